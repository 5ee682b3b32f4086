"""Each refusal makes Instaloader raise what Instagram's would."""

import time
from collections.abc import Callable
from pathlib import Path

import instaloader
import pytest
from instaloader.exceptions import TooManyRequestsException

from fake_instagram import Account, Refusal, Site, StandIn
from likerank.errors import LikerankError
from likerank.images import NotAPhotoError, make_stored_image
from tests.fake_instagram.conftest import Hurry, make_loader


def ask(loader: instaloader.Instaloader, account: Account) -> instaloader.Profile:
    loader.context.profile_id_cache.clear()
    profile: instaloader.Profile = instaloader.Profile.from_id(loader.context, account.id)
    return profile


def asked(stand_in: StandIn, kind: str = "profile") -> list[int | str | None]:
    return [request.refusal for request in stand_in.requests if request.kind == kind]


@pytest.mark.parametrize("kind", [401, "403", 500, 502, 503, "html", "fail", "cut", "damaged"])
def test_what_may_pass_is_tried_three_times(
    kind: int | str, stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal(kind, on="profile"))
    with pytest.raises(instaloader.ConnectionException):
        ask(loader, site.accounts[0])
    assert asked(stand_in) == [kind] * 3


@pytest.mark.parametrize("kind", [401, "html", "fail", "cut"])
def test_what_passes_after_two_refusals_is_answered(
    kind: int | str, stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal(kind, on="profile", times=2))
    assert ask(loader, site.accounts[0]).userid == site.accounts[0].id
    assert asked(stand_in) == [kind, kind, None]


def test_429_makes_instaloader_sleep_and_then_give_up(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal(429, on="profile"))
    with pytest.raises(instaloader.ConnectionException) as caught:
        ask(loader, site.accounts[0])
    assert isinstance(caught.value.__cause__, TooManyRequestsException)
    controller = loader.context._rate_controller
    assert isinstance(controller, Hurry)
    assert controller.slept
    assert all(seconds > 600 for seconds in controller.slept)


@pytest.mark.parametrize("kind", ["feedback_required", "checkpoint_required", "challenge_required"])
def test_what_is_about_us_ends_it_at_once(
    kind: str, stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal(kind, on="profile"))
    with pytest.raises(instaloader.AbortDownloadException, match=kind):
        ask(loader, site.accounts[0])
    assert asked(stand_in) == [kind]


def test_a_redirect_to_the_login_page(
    stand_in: StandIn, loader: instaloader.Instaloader, visitor: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal("login", on="profile"))
    with pytest.raises(instaloader.LoginRequiredException):
        ask(loader, site.accounts[0])
    with pytest.raises(instaloader.AbortDownloadException, match="logged out"):
        ask(visitor, site.accounts[0])


def test_404_on_a_query_is_raised_after_three_tries(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    stand_in.refusals.append(Refusal(404, on="post"))
    with pytest.raises(instaloader.QueryReturnedNotFoundException):
        instaloader.Post.from_shortcode(loader.context, site.accounts[0].posts[0].code)
    assert asked(stand_in, "post") == [404] * 3


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
def test_a_refused_page_is_not_asked_for_again(
    kind: int | str,
    raised: type[Exception],
    stand_in: StandIn,
    loader: instaloader.Instaloader,
    site: Site,
) -> None:
    stand_in.refusals.append(Refusal(kind, on="page"))
    with pytest.raises(raised):
        instaloader.Profile.from_username(loader.context, site.accounts[0].first_name)
    assert asked(stand_in, "page") == [kind]


def test_slow_is_right_for_the_patient_and_a_failure_for_others(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    stand_in.refusals.append(Refusal("slow", on="profile", seconds=0.4))
    begin = time.monotonic()
    assert ask(loader, site.accounts[0]).userid == site.accounts[0].id
    assert time.monotonic() - begin >= 0.4
    with make_loader(tmp_path, timeout=0.1) as hasty, pytest.raises(instaloader.ConnectionException):
        ask(hasty, site.accounts[0])


def download(loader: instaloader.Instaloader, site: Site, tmp_path: Path) -> Callable[[], bytes]:
    account = site.accounts[0]
    made = next(p for p in account.posts if not p.children and not p.is_video)
    post = instaloader.Post.from_shortcode(loader.context, made.code)

    def run() -> bytes:
        loader.download_pic(str(tmp_path / "picture"), post.url, post.date_local)
        return (tmp_path / "picture.jpg").read_bytes()

    return run


def test_a_picture_that_is_cut_off_is_not_kept(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    stand_in.refusals.append(Refusal("cut", on="picture"))
    with pytest.raises(instaloader.ConnectionException):
        run()
    assert not (tmp_path / "picture.jpg").exists()
    assert asked(stand_in, "picture") == ["cut"] * 3
    stand_in.refusals.clear()
    assert make_stored_image(run(), "picture")


def test_a_damaged_picture_arrives_whole_and_cannot_be_decoded(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    stand_in.refusals.append(Refusal("damaged", on="picture", times=1))
    damaged = run()
    with pytest.raises(NotAPhotoError):
        make_stored_image(damaged, "picture")
    (tmp_path / "picture.jpg").unlink()
    right = run()
    assert len(right) == len(damaged)
    assert make_stored_image(right, "picture")


def test_a_picture_can_be_forbidden_or_gone(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site, tmp_path: Path
) -> None:
    run = download(loader, site, tmp_path)
    stand_in.refusals[:] = [Refusal(403, on="picture", times=1), Refusal(404, on="picture", times=3)]
    with pytest.raises(instaloader.QueryReturnedForbiddenException):
        run()
    with pytest.raises(instaloader.ConnectionException, match="404"):
        run()
    assert asked(stand_in, "picture") == [403] + [404] * 3


def test_a_rule_is_about_its_account_after_its_requests_and_so_many_times(
    stand_in: StandIn, loader: instaloader.Instaloader, site: Site
) -> None:
    first, second, *_ = site.accounts
    stand_in.refusals.append(Refusal("feedback_required", after=2, account=first.first_name, times=1))
    for account, refused in [(first, False), (second, False), (first, False), (second, False), (first, True)]:
        if refused:
            with pytest.raises(instaloader.AbortDownloadException):
                ask(loader, account)
        else:
            ask(loader, account)
    ask(loader, first)
    assert asked(stand_in) == [None] * 4 + ["feedback_required", None]


def test_an_unknown_refusal_is_refused() -> None:
    for kind in ("sulk", 200, 600):
        with pytest.raises(LikerankError, match=f"no refusal of kind {kind!r}"):
            Refusal(kind)
