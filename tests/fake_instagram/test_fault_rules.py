"""Each kind of fault makes Instaloader raise the error that Instagram would cause."""

import time
from collections.abc import Callable
from pathlib import Path

import instaloader
import pytest
from instaloader.exceptions import TooManyRequestsException

from fake_instagram import Account, FakeInstagram, FaultRule, Site
from likerank.errors import LikerankError
from likerank.images import NotAPhotoError, make_stored_image
from tests.fake_instagram.conftest import Hurry, make_loader


def ask(loader: instaloader.Instaloader, account: Account) -> instaloader.Profile:
    loader.context.profile_id_cache.clear()
    profile: instaloader.Profile = instaloader.Profile.from_id(loader.context, account.id)
    return profile


def asked(instagram: FakeInstagram, kind: str = "profile") -> list[int | str | None]:
    return [request.fault for request in instagram.requests if request.kind == kind]


@pytest.mark.parametrize("kind", [401, "403", 500, 502, 503, "html", "fail", "cut", "damaged"])
def test_transient_faults_are_retried_three_times(
    kind: int | str, instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule(kind, on="profile"))
    with pytest.raises(instaloader.ConnectionException):
        ask(loader, site.accounts[0])
    assert asked(instagram) == [kind] * 3


@pytest.mark.parametrize("kind", [401, "html", "fail", "cut"])
def test_a_request_succeeds_after_two_faults(
    kind: int | str, instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule(kind, on="profile", times=2))
    assert ask(loader, site.accounts[0]).userid == site.accounts[0].id
    assert asked(instagram) == [kind, kind, None]


def test_429_makes_instaloader_sleep_and_then_give_up(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule(429, on="profile"))
    with pytest.raises(instaloader.ConnectionException) as caught:
        ask(loader, site.accounts[0])
    assert isinstance(caught.value.__cause__, TooManyRequestsException)
    controller = loader.context._rate_controller
    assert isinstance(controller, Hurry)
    assert controller.slept
    assert all(seconds > 600 for seconds in controller.slept)


@pytest.mark.parametrize("kind", ["feedback_required", "checkpoint_required", "challenge_required"])
def test_a_block_of_the_visitor_aborts_at_once(
    kind: str, instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule(kind, on="profile"))
    with pytest.raises(instaloader.AbortDownloadException, match=kind):
        ask(loader, site.accounts[0])
    assert asked(instagram) == [kind]


def test_login_redirects_to_the_login_page(
    instagram: FakeInstagram, loader: instaloader.Instaloader, visitor: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule("login", on="profile"))
    with pytest.raises(instaloader.LoginRequiredException):
        ask(loader, site.accounts[0])
    with pytest.raises(instaloader.AbortDownloadException, match="logged out"):
        ask(visitor, site.accounts[0])


def test_404_on_a_query_is_raised_after_three_tries(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    instagram.fault_rules.append(FaultRule(404, on="post"))
    with pytest.raises(instaloader.QueryReturnedNotFoundException):
        instaloader.Post.from_shortcode(loader.context, site.accounts[0].posts[0].code)
    assert asked(instagram, "post") == [404] * 3


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (401, instaloader.ConnectionException),
        (429, instaloader.ConnectionException),
        (404, instaloader.ProfileNotExistsException),
        ("login", instaloader.LoginRequiredException),
        ("cut", instaloader.ConnectionException),
        ("html", instaloader.ProfileNotExistsException),
    ],
)
def test_a_faulty_page_is_not_requested_again(
    kind: int | str,
    raised: type[Exception],
    instagram: FakeInstagram,
    loader: instaloader.Instaloader,
    site: Site,
) -> None:
    instagram.fault_rules.append(FaultRule(kind, on="page"))
    with pytest.raises(raised):
        instaloader.Profile.from_username(loader.context, site.accounts[0].first_name)
    assert asked(instagram, "page") == [kind]


def test_slow_answers_fail_only_with_a_short_timeout(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    instagram.fault_rules.append(FaultRule("slow", on="profile", seconds=0.4))
    begin = time.monotonic()
    assert ask(loader, site.accounts[0]).userid == site.accounts[0].id
    assert time.monotonic() - begin >= 0.4
    with make_loader(tmp_path, timeout=0.1) as hasty, pytest.raises(instaloader.ConnectionException):
        ask(hasty, site.accounts[0])


def download(loader: instaloader.Instaloader, site: Site, tmp_path: Path) -> Callable[[], bytes]:
    account = site.accounts[0]
    chosen = next(p for p in account.posts if not p.children and not p.is_video)
    post = instaloader.Post.from_shortcode(loader.context, chosen.code)

    def run() -> bytes:
        loader.download_pic(str(tmp_path / "picture"), post.url, post.date_local)
        return (tmp_path / "picture.jpg").read_bytes()

    return run


def test_a_cut_off_picture_is_not_written(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    instagram.fault_rules.append(FaultRule("cut", on="picture"))
    with pytest.raises(instaloader.ConnectionException):
        run()
    assert not (tmp_path / "picture.jpg").exists()
    assert asked(instagram, "picture") == ["cut"] * 3
    instagram.fault_rules.clear()
    assert make_stored_image(run(), "picture")


def test_a_damaged_picture_has_full_length_and_no_image(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    instagram.fault_rules.append(FaultRule("damaged", on="picture", times=1))
    damaged = run()
    with pytest.raises(NotAPhotoError):
        make_stored_image(damaged, "picture")
    (tmp_path / "picture.jpg").unlink()
    right = run()
    assert len(right) == len(damaged)
    assert make_stored_image(right, "picture")


def test_pictures_can_be_forbidden_or_missing(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    instagram.fault_rules[:] = [FaultRule(403, on="picture", times=1), FaultRule(404, on="picture", times=3)]
    with pytest.raises(instaloader.QueryReturnedForbiddenException):
        run()
    with pytest.raises(instaloader.ConnectionException, match="404"):
        run()
    assert asked(instagram, "picture") == [403] + [404] * 3


def test_account_after_and_times_limit_a_rule(
    instagram: FakeInstagram, loader: instaloader.Instaloader, site: Site
) -> None:
    first, second, *_ = site.accounts
    instagram.fault_rules.append(FaultRule("feedback_required", after=2, account=first.first_name, times=1))
    for account, faulty in [(first, False), (second, False), (first, False), (second, False), (first, True)]:
        if faulty:
            with pytest.raises(instaloader.AbortDownloadException):
                ask(loader, account)
        else:
            ask(loader, account)
    ask(loader, first)
    assert asked(instagram) == [None] * 4 + ["feedback_required", None]


def test_an_unknown_kind_of_fault_is_an_error() -> None:
    for kind in ("sulk", 200, 600):
        with pytest.raises(LikerankError, match=f"cannot have the kind {kind!r}"):
            FaultRule(kind)
