"""The content of Instagram's answers, as Instaloader 4.16 reads them: JSON and the JSON in its pages."""

import json
from typing import Any, Final

from fake_instagram import nodes
from fake_instagram.accounts import Account, Post
from fake_instagram.nodes import Json
from fake_instagram.site import Site

LSD: Final = "FakeLsd"
"""The token that the start page gives and queries must send."""

_FALSE_IN_PROFILES: Final = """
    followed_by_viewer follows_viewer blocked_by_viewer has_blocked_viewer has_requested_viewer
    requested_by_viewer
"""


def start_page(viewer: str | None) -> str:
    """Returns the site's first page, with the tokens that queries must send."""
    tokens: list[list[Any]] = [["LSD", [], {"token": LSD}, 323]]
    if viewer is not None:
        tokens.append(["DTSGInitialData", [], {"token": "FakeDtsg"}, 258])
    # Without spaces, as on the real page: Instaloader's patterns expect none.
    defined = json.dumps({"define": [*tokens, ["Eimu", [], {"IG_USER_EIMU": "0"}, 1]]}, separators=(",", ":"))
    return _page("Instagram", f"<script>{defined}</script>")


def profile_page(site: Site, account: Account) -> str:
    """Returns an account's page for logged-out visitors, with two embedded queries."""
    details = {
        "pk": str(account.id),
        "id": str(account.page_id),
        **nodes.person(site, account),
        "all_media_count": site.post_count(account),
        "follower_count": account.followers_on(site.day),
        "following_count": nodes.following(account),
        "biography": nodes.biography(account),
        "external_url": None,
        "is_business": False,
        "category": None,
        "__typename": "XIGUser",
    }
    posts = {
        "id": str(account.page_id),
        "is_private": account.private_on(site.day),
        "polaris_ordered_timeline_connection": _short_connection(site, account, None),
    }
    scripts = "".join(_embedded({"xig_user_by_username": user}) for user in (details, posts))
    return _page(f"@{account.name_on(site.day)}", scripts)


def further_posts(site: Site, account: Account, after: int | None) -> Json:
    """Returns the answer to a logged-out visitor's query for a further page of posts (28904005159232689)."""
    connection = _short_connection(site, account, after)
    node = {"id": str(account.page_id), "polaris_ordered_timeline_connection": connection}
    return {"data": {"node": node}}


def timeline(site: Site, account: Account, after: int | None) -> Json:
    """Returns the answer to a logged-in query for a page of posts (29104886249145907)."""
    posts, more = site.timeline(account, after)
    shown = [nodes.media(site, account, post, logged_in=True) for post in posts]
    connection = _connection(shown, account, posts, more)
    return {"data": {"xdt_api__v1__feed__user_timeline_graphql_connection": connection}}


def post_by_code(site: Site, account: Account | None, post: Post | None, logged_in: bool) -> Json:
    """Returns the answer to the query for one post (27128499623469141); no items where it is not visible."""
    items = []
    if account and post and not account.private_on(site.day):
        items.append(nodes.media(site, account, post, logged_in))
    return {"data": {"xdt_api__v1__media__shortcode__web_info": {"items": items}}}


def profile_by_id(site: Site, account: Account | None) -> Json:
    """Returns the answer to the query for an account by its id (27937681195819736)."""
    if account is None:
        return {"data": {"user": None, "viewer": None}}
    user = {
        "pk": str(account.id),
        "id": str(account.id),
        **nodes.person(site, account),
        "friendship_status": nodes.friendship(blocking=False, followed_by=False),
        "follower_count": account.followers_on(site.day),
        "following_count": nodes.following(account),
        "media_count": site.post_count(account),
        "biography": nodes.biography(account),
        "external_url": "",
        "is_business": False,
        "category": None,
        "__typename": "XDTUserDict",
    }
    return {"data": {"user": user, "viewer": None}}


def web_profile(site: Site, account: Account) -> Json:
    """Returns the answer of `web_profile_info`, in the older shape of answers."""
    no_more = {"has_next_page": False, "end_cursor": None}
    user = {
        "id": str(account.id),
        **nodes.person(site, account),
        "edge_followed_by": {"count": account.followers_on(site.day)},
        "edge_follow": {"count": nodes.following(account)},
        "edge_owner_to_timeline_media": {
            "count": site.post_count(account),
            "page_info": no_more,
            "edges": [],
        },
        "edge_felix_video_timeline": {"count": 0, "page_info": no_more, "edges": []},
        "biography": nodes.biography(account),
        "external_url": None,
        "is_business_account": False,
        "business_category_name": None,
        "profile_pic_url_hd": nodes.face_url(site, account),
        **dict.fromkeys(_FALSE_IN_PROFILES.split(), False),
    }
    return {"data": {"user": user}, "status": "ok"}


def phone_post(site: Site, account: Account, post: Post) -> Json:
    """Returns the answer of `media/ID/info` on the phones' host."""
    return {"items": [nodes.media(site, account, post, logged_in=True)], "status": "ok"}


def phone_profile(site: Site, account: Account) -> Json:
    """Returns the answer of `users/ID/info` on the phones' host."""
    return {"user": nodes.user(site, account), "status": "ok"}


def _short_connection(site: Site, account: Account, after: int | None) -> Json:
    posts, more = site.timeline(account, after)
    user = {"pk": str(account.id), "username": account.name_on(site.day)}
    shown = [
        {
            "pk": str(post.id),
            "code": post.code,
            "media_type": nodes.media_type(post),
            "caption": nodes.caption(post),
            "user": user,
            "display_uri": nodes.picture_url(site, post, 0),
            "carousel_media_count": len(post.children) or None,
            "__typename": "XIGPolarisMedia",
        }
        for post in posts
    ]
    return _connection(shown, account, posts, more)


def _connection(shown: list[Json], account: Account, posts: list[Post], more: bool) -> Json:
    cursor = f"{posts[-1].id}_{account.id}" if more else None
    return {
        "edges": [{"node": node, "cursor": ""} for node in shown],
        "page_info": {
            "end_cursor": cursor,
            "has_next_page": more,
            "has_previous_page": False,
            "start_cursor": None,
        },
    }


def _page(title: str, body: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"


def _embedded(data: Json) -> str:
    result = {"__bbox": {"complete": True, "result": {"data": data, "extensions": {"is_final": True}}}}
    cache = ["RelayPrefetchedStreamCache", "next", [], ["adp_Fake", result]]
    call = {"require": [["ScheduledServerJS", "handle", None, [{"__bbox": {"require": [cache]}}]]]}
    # Or a caption could end the script.
    safe = json.dumps(call).replace("</", r"<\/")
    return f'<script type="application/json" data-sjs>{safe}</script>'
