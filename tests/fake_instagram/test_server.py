"""The real Instaloader lists and downloads from the fake Instagram as from Instagram."""

import json
import pickle
import stat
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path

import instaloader
import pytest
import requests

from fake_instagram import Account, Event, FakeInstagram, FaultRule, Site
from likerank.errors import LikerankError
from likerank.images import make_stored_image
from tests.fake_instagram.conftest import Serve, make_loader, profile_of


def largest(site: Site) -> Account:
    return max(site.accounts, key=lambda account: (len(account.pinned), len(account.posts)))


@pytest.fixture(params=["anonymous", "logged in"])
def either(request: pytest.FixtureRequest) -> instaloader.Instaloader:
    """Nobody, then a visitor, is logged in."""
    fixture = "loader" if request.param == "anonymous" else "visitor"
    loader: instaloader.Instaloader = request.getfixturevalue(fixture)
    return loader


def test_a_profile_has_followers_and_post_count(either: instaloader.Instaloader, site: Site) -> None:
    for account in site.accounts:
        profile = profile_of(either, account)
        assert profile.userid == account.id
        assert profile.username == account.first_name
        assert profile.followers == account.followers_on(0)
        assert profile.mediacount == site.post_count(account)
        assert not profile.is_private
        assert "Drawn landscapes" in profile.biography
        assert instaloader.Profile.from_id(either.context, account.id).username == account.first_name


def test_a_listing_has_all_posts_pinned_ones_first(either: instaloader.Instaloader, site: Site) -> None:
    account = largest(site)
    there = [post for post in reversed(account.posts) if post.taken < site.start]
    wanted = [*account.pinned, *(post for post in there if post not in account.pinned)]
    assert len(account.pinned) == 3
    assert len(wanted) > 24
    posts = list(profile_of(either, account).get_posts())
    assert [post.mediaid for post in posts] == [post.id for post in wanted]
    for post, expected in zip(posts, wanted, strict=True):
        assert post.shortcode == expected.code
        assert post.date_utc.replace(tzinfo=UTC).timestamp() == expected.taken
        assert post.caption == expected.caption
        assert int(post.owner_id) == account.id
        assert post.comments == site.comments(expected)
        assert post.is_video == expected.is_video
        assert [node.is_video for node in post.get_sidecar_nodes()] == list(expected.children)
        if expected.hidden is None:
            assert post.likes == site.likes(expected)


def test_only_logged_out_listings_request_each_post(
    instagram: FakeInstagram, site: Site, loader: instaloader.Instaloader, tmp_path: Path
) -> None:
    account = largest(site)
    count = site.post_count(account)
    pages = -(-count // 12)
    list(profile_of(loader, account).get_posts())
    kinds = Counter(request.kind for request in instagram.requests)
    assert kinds == {"page": 2, "start": 1, "posts": pages - 1, "post": count}
    assert {request.account for request in instagram.requests} == {None, account.first_name}
    assert {r.post for r in instagram.requests if r.kind == "post"} <= {post.code for post in account.posts}
    instagram.forget_requests()
    assert instagram.requests == []
    instagram.write_session("visitor", tmp_path / "session")
    with make_loader(tmp_path, tmp_path / "session") as visitor:
        list(profile_of(visitor, account).get_posts())
    kinds = Counter(request.kind for request in instagram.requests)
    assert kinds == {"page": 1, "profile": 1, "start": 1, "timeline": pages}


def test_hidden_likes_arrive_as_from_instagram(either: instaloader.Instaloader, site: Site) -> None:
    account = max(site.accounts, key=lambda a: sum(p.hidden is not None for p in a.posts))
    known = {post.code: post for post in account.posts}
    hidden = [
        post for post in profile_of(either, account).get_posts() if known[post.shortcode].hidden is not None
    ]
    assert hidden
    for post in hidden:
        node = post._node.get("iphone_struct", post._node)
        assert node["like_and_view_counts_disabled"] is True
        assert node["like_count"] == (known[post.shortcode].hidden if either.context.is_logged_in else None)


def test_pictures_arrive_byte_for_byte(visitor: instaloader.Instaloader, site: Site, tmp_path: Path) -> None:
    account = site.accounts[0]
    known = {post.code: post for post in account.posts}
    posts = list(profile_of(visitor, account).get_posts())
    chosen = [
        next(p for p in posts if p.typename == kind) for kind in instaloader.Post.supported_graphql_types()
    ]
    for post in chosen:
        assert visitor.download_post(post, account.first_name)
        stem = f"{post.date_utc:%Y-%m-%d_%H-%M-%S}_UTC"
        parts = range(post.mediacount)
        names = [f"{stem}.jpg"] if post.typename != "GraphSidecar" else [f"{stem}_{p + 1}.jpg" for p in parts]
        for part, name in enumerate(names):
            picture = (tmp_path / account.first_name / name).read_bytes()
            assert picture == site.picture(known[post.shortcode], part).read()
            assert make_stored_image(picture, name)
    assert list(tmp_path.rglob("*.mp4"))
    archived = instaloader.load_structure_from_file(
        visitor.context, str(next((tmp_path / account.first_name).glob("*.json.xz")))
    )
    assert isinstance(archived, instaloader.Post)


def test_counts_grow_and_posts_appear_day_by_day(visitor: instaloader.Instaloader, site: Site) -> None:
    account = max(site.accounts, key=lambda account: len(account.posts))
    seen = []
    for site.day in (0, 10, 20):
        profile = profile_of(visitor, account)
        seen.append({post.mediaid: post.likes for post in profile.get_posts()})
        assert profile.mediacount == len(seen[-1])
    first, second, third = seen
    assert first.keys() < second.keys() < third.keys()
    grown = [post for post in second if second[post] < third[post]]
    assert grown
    assert all(second[post] <= third[post] for post in second)


def test_a_session_logs_in_until_it_expires(
    instagram: FakeInstagram, site: Site, visitor: instaloader.Instaloader, tmp_path: Path
) -> None:
    session = tmp_path / "session"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    assert isinstance(pickle.loads(session.read_bytes()), dict)  # noqa: S301
    assert visitor.test_login() == "visitor"
    instagram.expire_sessions()
    assert visitor.test_login() is None
    with pytest.raises(instaloader.AbortDownloadException, match="Redirected to login page"):
        list(profile_of(visitor, site.accounts[0]).get_posts())


def test_the_timeline_query_needs_a_session(loader: instaloader.Instaloader, site: Site) -> None:
    with pytest.raises(instaloader.LoginRequiredException):
        loader.context.doc_id_graphql_query(
            "29104886249145907", {"username": site.accounts[0].first_name}, web_api=True
        )


def test_a_private_account_shows_no_posts(serve: Serve, tmp_path: Path) -> None:
    site = Site(posts=40, authors=2, events=[Event("private", "misty_fjord", 0)])
    account = site.accounts[0]
    instagram = serve(site)
    with make_loader(tmp_path) as loader:
        profile = profile_of(loader, account)
        assert profile.is_private
        with pytest.raises(instaloader.LoginRequiredException):
            profile.get_posts()
        with pytest.raises(instaloader.BadResponseException):
            instaloader.Post.from_shortcode(loader.context, account.posts[0].code)
    instagram.write_session("visitor", tmp_path / "session")
    with (
        make_loader(tmp_path, tmp_path / "session") as visitor,
        pytest.raises(instaloader.PrivateProfileNotFollowedException),
    ):
        profile_of(visitor, account).get_posts()


def test_a_renamed_account_is_found_only_by_its_id(either: instaloader.Instaloader, site: Site) -> None:
    account = site.accounts[1]
    account.events.append(Event("renamed", account.first_name, 1, "new_name"))
    site.day = 1
    with pytest.raises(instaloader.ProfileNotExistsException):
        profile_of(either, account)
    profile = instaloader.Profile.from_id(either.context, account.id)
    assert profile.username == "new_name"
    assert next(profile.get_posts()).owner_username == "new_name"


def test_a_deleted_account_is_not_found(either: instaloader.Instaloader, site: Site) -> None:
    account = site.accounts[2]
    account.events.append(Event("deleted", account.first_name, 1))
    site.day = 1
    with pytest.raises(instaloader.ProfileNotExistsException):
        profile_of(either, account)
    with pytest.raises(instaloader.ProfileNotExistsException):
        instaloader.Profile.from_id(either.context, account.id)
    with pytest.raises(instaloader.ProfileNotExistsException):
        instaloader.Profile.from_username(either.context, "nobody_at_all")
    with pytest.raises(instaloader.BadResponseException):
        instaloader.Post.from_shortcode(either.context, account.posts[0].code)


def test_phone_addresses_answer_only_logged_in_visitors(
    visitor: instaloader.Instaloader, loader: instaloader.Instaloader, site: Site
) -> None:
    account = site.accounts[0]
    visitor.context.iphone_support = loader.context.iphone_support = True
    profile = profile_of(visitor, account)
    assert str(account.id) in profile.profile_pic_url
    visitor.download_profilepic(profile)
    photo = next(p for p in account.posts if not p.is_video and not p.children)
    post = instaloader.Post.from_shortcode(visitor.context, photo.code)
    assert f"/{photo.id}_0_n.jpg" in post.url
    with pytest.raises(instaloader.LoginRequiredException):
        loader.context.get_iphone_json(f"api/v1/media/{photo.id}/info/", {})


def test_missing_profile_fields_use_the_older_address(
    loader: instaloader.Instaloader, instagram: FakeInstagram, site: Site
) -> None:
    account = site.accounts[0]
    profile = instaloader.Profile(loader.context, {"username": account.first_name, "id": str(account.id)})
    assert profile.followers == account.followers_on(0)
    assert [request.kind for request in instagram.requests] == ["profile"]


def test_other_hosts_are_refused(instagram: FakeInstagram) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://example.com/", timeout=300)
    plain = {"http": instagram.environment["HTTPS_PROXY"]}
    assert requests.get("http://example.com/", timeout=300, proxies=plain).status_code == 400
    assert instagram.requests == []


def test_unknown_addresses_get_404_and_wrong_queries_400(instagram: FakeInstagram, site: Site) -> None:
    home = "https://www.instagram.com"
    assert requests.get(f"{home}/explore/tags/sea/", timeout=300).status_code == 404
    assert requests.get("https://scontent.cdninstagram.com/v/1_9_n.jpg", timeout=300).status_code == 404
    for form in (
        {},
        {"doc_id": "1", "variables": "{}"},
        {"doc_id": "28904005159232689", "variables": "nonsense"},
    ):
        assert requests.post(f"{home}/graphql/query", data=form, timeout=300).status_code == 400
    query = {"doc_id": "27937681195819736", "variables": f'{{"id": "{site.accounts[0].id}"}}'}
    assert requests.post(f"{home}/graphql/query", data=query, timeout=300).status_code == 200
    assert requests.post(f"{home}/api/graphql", data=query, timeout=300).status_code == 400, "without lsd"


def test_it_closes_with_open_connections(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeInstagram(site) as instagram:
        for name, value in instagram.environment.items():
            monkeypatch.setenv(name, value)
        certificate = Path(instagram.environment["REQUESTS_CA_BUNDLE"])
        session = requests.Session()
        assert session.get("https://www.instagram.com/", timeout=300).ok
    assert not certificate.exists()


def test_the_same_site_gives_the_same_bytes(serve: Serve) -> None:
    def seen(day: int) -> list[bytes]:
        site = Site(posts=40, authors=2, seed=7, day=day)
        serve(site)
        account = site.accounts[0]
        home = "https://www.instagram.com"
        query = {"doc_id": "27128499623469141", "variables": json.dumps({"shortcode": account.posts[0].code})}
        answer = requests.post(f"{home}/graphql/query", data=query, timeout=300)
        (item,) = answer.json()["data"]["xdt_api__v1__media__shortcode__web_info"]["items"]
        picture = item["image_versions2"]["candidates"][0]["url"]
        page = requests.get(f"{home}/{account.first_name}/", timeout=300)
        return [page.content, answer.content, requests.get(picture, timeout=300).content]

    page, answer, picture = seen(0)
    assert seen(0) == [page, answer, picture]
    later_page, later_answer, later_picture = seen(1)
    assert later_page != page
    assert later_answer != answer
    assert later_picture == picture


def test_parallel_requests_are_all_answered_and_recorded(instagram: FakeInstagram, site: Site) -> None:
    instagram.fault_rules.append(FaultRule(503, after=10, times=7))
    address = f"https://www.instagram.com/{site.accounts[0].first_name}/"
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: requests.get(address, timeout=300).status_code, range(60)))
    assert Counter(statuses) == {200: 53, 503: 7}
    assert Counter(request.fault for request in instagram.requests) == {None: 53, 503: 7}


def test_a_port_in_use_is_an_error_that_names_it(instagram: FakeInstagram, site: Site) -> None:
    port = instagram.port
    with pytest.raises(LikerankError, match=f"cannot listen on port {port}"), FakeInstagram(site, port=port):
        pass


@pytest.mark.slow
def test_without_trustme_the_error_names_the_extra() -> None:
    code = "import sys; sys.modules['trustme'] = None; import fake_instagram"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "LikerankError: The fake Instagram needs trustme: pip install 'likerank[fake-instagram]'"
        in ran.stderr
    )
