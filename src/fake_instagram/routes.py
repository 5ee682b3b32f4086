"""Routes: from a request's address to its subject and the right answer."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from fake_instagram import answers
from fake_instagram.accounts import Account, Post
from fake_instagram.answer import Answer, failure, html_answer, json_answer, not_found, to_login
from fake_instagram.nodes import CDN, Json
from fake_instagram.site import Site, shortcode

_FURTHER_POSTS: Final = "28904005159232689"
_TIMELINE: Final = "29104886249145907"
_POST: Final = "27128499623469141"
_PROFILE: Final = "27937681195819736"
_WHO_AM_I: Final = "d6f4427fbe92d846298cf93df0b937d3"
_PICTURES_KEPT: Final = 32
_VIDEO: Final = b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom" + b"\x00\x00\x00\x0cmdat" + b"fake"
_BAD_REQUEST: Final = failure("invalid request", 400)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as received."""

    host: str  # The requested host of Instagram.
    target: str  # Path and query.
    body: str  # The posted form.
    headers: Message


@dataclass(frozen=True, slots=True)
class Meaning:
    """The subject of a request, and the right answer."""

    kind: str  # One of `Request.kind`.
    answer: Answer
    account: Account | None = None  # The requested account, where it exists today.
    post: Post | None = None  # The requested post, where it exists today.


class Routes:
    """The addresses that Instaloader requests.

    Args:
        site: The accounts and posts.
    """

    def __init__(self, site: Site) -> None:
        self.sessions: dict[str, str] = {}  # Names of the logged-in visitors, by the cookie `sessionid`.
        self._site = site
        self._drawn = lru_cache(_PICTURES_KEPT)(lambda post, part: site.picture(post, part).read())

    def meaning(self, asked: Asked) -> Meaning:
        """Returns the subject of a request and the right answer."""
        path, _, query = asked.target.partition("?")
        path = path.strip("/")
        if asked.host == CDN:
            return self._file(path)
        parameters = dict(parse_qsl(query))
        try:
            session = _session(asked.headers)
            viewer = self.sessions.get(session)
            if path in ("graphql/query", "api/graphql") and "query_hash" not in parameters:
                meaning = self._query(path == "api/graphql", dict(parse_qsl(asked.body)), viewer)
            else:
                meaning = self._address(path, parameters, viewer)
        except (KeyError, ValueError):
            return Meaning("other", _BAD_REQUEST)
        return replace(meaning, answer=to_login()) if session and viewer is None else meaning

    def _address(self, path: str, parameters: Mapping[str, str], viewer: str | None) -> Meaning:
        site = self._site
        if not path:
            return Meaning("start", _start(viewer))
        if parameters.get("query_hash") == _WHO_AM_I:
            user = None if viewer is None else {"username": viewer}
            return Meaning("login", json_answer({"data": {"user": user}, "status": "ok"}))
        if path == "api/v1/users/web_profile_info":
            account = site.account_named(parameters["username"].lower())
            if account is None:
                return Meaning("profile", not_found())
            return Meaning("profile", json_answer(answers.web_profile(site, account)), account)
        if found := re.fullmatch(r"api/v1/(users|media)/(\d+)/info", path):
            return self._of_the_phone(found[1], int(found[2]), viewer)
        if path == "web/search/topsearch":
            return Meaning("other", json_answer({"users": [], "status": "ok"}))
        if not re.fullmatch(r"[\w.]+", path):
            return Meaning("other", not_found())
        account = site.account_named(path.lower())
        if account is None:
            return Meaning("page", not_found())
        return Meaning("page", html_answer(answers.profile_page(site, account)), account)

    def _of_the_phone(self, what: str, number: int, viewer: str | None) -> Meaning:
        site = self._site
        if what == "users":
            kind, account, post = "profile", site.account_of_id(number), None
            data = answers.phone_profile(site, account) if account else None
        else:
            kind, (account, post) = "post", site.post_of_code(shortcode(number))
            data = answers.phone_post(site, account, post) if account and post else None
        if viewer is None:
            return Meaning(kind, to_login(), account, post)
        return Meaning(kind, json_answer(data) if data else not_found(), account, post)

    def _query(self, of_the_web: bool, form: Mapping[str, str], viewer: str | None) -> Meaning:
        site = self._site
        document, variables = form["doc_id"], json.loads(form["variables"])
        after = int(variables["after"].partition("_")[0]) if variables.get("after") else None
        account: Account | None
        post: Post | None = None
        data: Json | None
        if document == _FURTHER_POSTS:
            kind, account = "posts", site.account_of_page_id(int(variables["id"]))
            data = answers.further_posts(site, account, after) if account else None
        elif document == _TIMELINE:
            kind, account = "timeline", site.account_named(variables["username"])
            data = answers.timeline(site, account, after) if account else None
        elif document == _POST:
            kind, (account, post) = "post", site.post_of_code(variables["shortcode"])
            data = answers.post_by_code(site, account, post, viewer is not None)
        elif document == _PROFILE:
            kind, account = "profile", site.account_of_id(int(variables["id"]))
            data = answers.profile_by_id(site, account)
        else:
            return Meaning("other", _BAD_REQUEST)
        if of_the_web and form.get("lsd") != answers.LSD:
            answer = _BAD_REQUEST
        elif document == _TIMELINE and viewer is None:
            answer = to_login()
        elif data is None:
            answer = not_found()
        else:
            # Only the older of the two addresses adds the status.
            answer = json_answer(data if of_the_web else data | {"status": "ok"})
        return Meaning(kind, answer, account, post)

    def _file(self, path: str) -> Meaning:
        """Returns a picture or video by the address in an answer; also of a private account."""
        site = self._site
        found = re.fullmatch(r".*/(\d+)(?:_(\d+))?(_n\.jpg|\.mp4)", path)
        if not found:
            return Meaning("other", not_found())
        number, part = int(found[1]), int(found[2] or 0)
        if found[2] is None:
            owner = site.account_of_id(number)
            return Meaning("face", _picture(site.face(owner).read()) if owner else not_found(), owner)
        account, post = site.post_of_code(shortcode(number))
        kind = "video" if found[3] == ".mp4" else "picture"
        if post is None or part >= max(1, len(post.children)):
            return Meaning(kind, not_found(), account, post)
        answer = Answer(_VIDEO, "video/mp4") if kind == "video" else _picture(self._drawn(post, part))
        return Meaning(kind, answer, account, post)


def _session(headers: Message) -> str:
    """Returns the cookie `sessionid` of a browser or of a phone's token; empty where there is neither."""
    bearer = (headers.get("Authorization") or "").rpartition(":")[2]
    if bearer:
        return str(json.loads(b64decode(bearer))["sessionid"])
    cookies = (cookie.strip().partition("=") for cookie in (headers.get("Cookie") or "").split(";"))
    return next((value.strip('"') for name, _, value in cookies if name == "sessionid"), "")


def _start(viewer: str | None) -> Answer:
    cookie = ("Set-Cookie", "csrftoken=FakeCsrf; Domain=.instagram.com; Path=/; Secure")
    return html_answer(answers.start_page(viewer), headers=() if viewer else (cookie,))


def _picture(jpeg: bytes) -> Answer:
    return Answer(jpeg, "image/jpeg", headers=(("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),))
