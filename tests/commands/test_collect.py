"""Collecting, through an unmodified Instaloader and over TLS, from a site whose every count is known."""

import dataclasses
import os
import pickle
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fake_instagram import Event, Refusal, Site, StandIn
from likerank.app.paths import configured_tombstones
from likerank.commands.collect import CollectSummary, collect
from likerank.errors import LikerankError
from likerank.images import make_stored_image
from likerank.records import Author, Observation, Post
from likerank.sources import Archive
from tests.workplaces import Workplace, kill, wait_for

DAYS = 7


@dataclasses.dataclass
class Collection:
    """A site, and the archive that is collected from it."""

    site: Site
    stand_in: StandIn
    workplace: Workplace

    @property
    def archive(self) -> Path:
        return self.workplace.folder / "data" / "archive"

    def overrides(self, **changed: Any) -> list[str]:
        listed = changed.pop("accounts", None) or [account.first_name for account in self.site.accounts]
        accounts = self.workplace.folder / "accounts.txt"
        accounts.write_text("\n".join(listed))
        options = {"accounts": accounts, "limits": "false", "ripen_days": 0, "max_wait": 5} | changed
        return [f"{key}={value}" for key, value in options.items()]

    def collect(self, **changed: Any) -> CollectSummary:
        """Collects in this process; `requests` holds what that alone asked for."""
        self.stand_in.forget_requests()
        return collect(self.workplace.compose("collect", *self.overrides(**changed)))

    def asked(self) -> Counter[str]:
        return Counter(request.kind for request in self.stand_in.requests)

    def posts(self) -> dict[str, Post]:
        """The archive's posts by their ids, with the newest counts."""
        return {
            record.source_id: record for record in Archive(self.archive).records() if isinstance(record, Post)
        }

    def likes_seen(self, post_id: str) -> list[int | None]:
        return [
            record.record.likes
            for record in Archive(self.archive).records()
            if isinstance(record, Observation)
            and isinstance(record.record, Post)
            and record.record.source_id == post_id
        ]

    def files(self) -> dict[str, bytes]:
        """The pictures' bytes, and which other files there are."""
        return {
            str(file.relative_to(self.archive)): file.read_bytes() if file.suffix == ".jpg" else b""
            for file in self.archive.rglob("*")
            if file.is_file() and ".collect" not in file.parts
        }

    def is_complete(self) -> bool:
        """Whether the archive holds each photo of the site's today, its picture and its counts."""
        posts = self.posts()
        there = [
            (account, post)
            for account in self.site.accounts
            for post in account.posts
            if post.taken < self.site.now() and not post.is_video
        ]
        assert {str(post.id) for _, post in there} == posts.keys()
        for account, post in there:
            kept = posts[str(post.id)]
            assert kept.author_id == str(account.id)
            assert kept.likes == (None if post.hidden is not None else self.site.likes(post))
            assert kept.comments == self.site.comments(post)
            assert kept.posted_at == datetime.fromtimestamp(post.taken, UTC)
            assert kept.picture.read() == post.picture.read()
        return True


@pytest.fixture
def collection(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    start = datetime.now(UTC) - timedelta(days=DAYS)
    site = Site(posts=48, authors=3, seed=1, start=start, history_days=300, coming_days=DAYS)
    workplace.folder.mkdir(parents=True, exist_ok=True)
    with StandIn(site, folder=workplace.folder) as stand_in:
        for name, value in stand_in.environment.items():
            monkeypatch.setenv(name, value)
        yield Collection(site, stand_in, workplace)


def first_account(collection: Collection) -> str:
    return collection.site.accounts[0].first_name


@pytest.mark.parametrize("login", [None, "visitor"])
def test_every_photo_and_count_arrives_for_no_more_requests_than_instaloaders(
    collection: Collection, login: str | None
) -> None:
    session = collection.workplace.folder / "session"
    if login:
        collection.stand_in.write_session(login, session)
    summary = collection.collect(login=login or "null", session_file=session if login else "null")
    assert summary.exit_status == 0
    assert collection.is_complete()
    posts = sum(collection.site.post_count(account) for account in collection.site.accounts)
    videos = sum(
        post.is_video
        for a in collection.site.accounts
        for post in a.posts
        if post.taken < collection.site.now()
    )
    assert (summary.new, summary.observed, summary.skipped) == (posts - videos, 0, {"video": videos})
    assert summary.hidden == sum(post.likes is None for post in collection.posts().values()) > 0
    asked = collection.asked()
    assert asked["picture"] == posts - videos
    assert asked["post"] == (0 if login else posts)
    assert not {"video", "face", "other"} & asked.keys()
    # Once more: nothing is new, and what is known is not asked for.
    summary = collection.collect(login=login or "null", session_file=session if login else "null")
    assert (summary.exit_status, summary.new, summary.observed) == (0, 0, 0)
    assert sum(collection.asked().values()) <= 1 + 3 * len(collection.site.accounts)
    assert collection.asked()["picture"] == 0


def test_counts_ripen_night_after_night_without_the_picture(collection: Collection) -> None:
    collection.site.day = 1
    collection.collect(ripen_days=30)
    before = collection.posts()
    young = [
        post
        for a in collection.site.accounts
        for post in a.posts
        if collection.site.start - 20 * 86_400 < post.taken < collection.site.start
        and not post.is_video
        and post.hidden is None
    ]
    assert young
    expected: dict[int, list[int]] = {post.id: [collection.site.likes(post)] for post in young}
    for day in (2, 4):
        collection.site.day = day
        summary = collection.collect(ripen_days=30)
        assert summary.observed >= len(young)
        assert collection.asked()["picture"] == summary.new
        for post in young:
            expected[post.id].append(collection.site.likes(post))
    for number, likes in expected.items():
        assert collection.likes_seen(str(number)) == likes
        assert collection.posts()[str(number)].likes == likes[-1]
        assert before[str(number)].likes == likes[0]
    assert len(set(map(tuple, expected.values()))) > 1


def test_followers_are_observed_each_night(collection: Collection) -> None:
    for day in (0, 3, 5):
        collection.site.day = day
        collection.collect()
    account = collection.site.accounts[1]
    seen = [
        record.record.followers
        for record in Archive(collection.archive).records()
        if isinstance(record, Observation)
        and isinstance(record.record, Author)
        and record.record.author_id == str(account.id)
    ]
    assert seen == [account.followers_on(day) for day in (0, 3, 5)]


def test_new_posts_alone_are_downloaded_the_next_day(collection: Collection) -> None:
    collection.collect()
    before = collection.files()
    collection.site.day = DAYS
    summary = collection.collect()
    new = [
        post
        for a in collection.site.accounts
        for post in a.posts
        if collection.site.start <= post.taken < collection.site.now() and not post.is_video
    ]
    assert summary.new == len(new) == collection.asked()["picture"] > 0
    assert before.items() <= collection.files().items()


def test_a_number_of_posts_and_a_first_day_can_be_named_and_be_raised_later(collection: Collection) -> None:
    summary = collection.collect(posts_per_account=4)
    assert summary.new + summary.skipped["video"] == 12
    since = datetime.fromtimestamp(collection.site.start, UTC) - timedelta(days=100)
    collection.collect(posts_per_account="null", since=f"{since:%Y-%m-%d}")
    pinned = {str(post.id) for account in collection.site.accounts for post in account.pinned}
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    for number, post in collection.posts().items():
        assert number in pinned or (post.posted_at is not None and post.posted_at >= midnight)
    collection.collect()
    assert collection.is_complete()


def test_a_renamed_account_stays_one_and_the_old_name_may_stay_in_the_list(collection: Collection) -> None:
    collection.collect()
    before = collection.files()
    name = first_account(collection)
    account = collection.site.accounts[0]
    account.events.append(Event("renamed", name, 1, "quite_another"))
    collection.site.day = 2
    for listed in ([name], [name, "quite_another"], ["quite_another"]):
        assert collection.collect(accounts=listed).exit_status == 0
    assert not (collection.archive / name).exists()
    pictures = {file.name for file in (collection.archive / "quite_another").glob("*.jpg")}
    assert {
        Path(file).name for file in before if file.startswith(f"{name}/") and file.endswith(".jpg")
    } <= pictures
    authors = {post.author_id for post in collection.posts().values()}
    assert authors == {str(one.id) for one in collection.site.accounts}


def test_accounts_that_fail_leave_the_others_alone(collection: Collection) -> None:
    renamed, private, _ = (account.first_name for account in collection.site.accounts)
    # Before it was ever met, so that its id is not known.
    collection.site.accounts[0].events.append(Event("renamed", renamed, 0, "quite_another"))
    collection.site.accounts[1].events.append(Event("private", private, 0))
    listed = [renamed, private, "never_there", collection.site.accounts[2].first_name]
    summary = collection.collect(accounts=listed)
    assert summary.exit_status == 3
    assert summary.failed.keys() == {renamed, private, "never_there"}
    assert summary.failed[private] == "private"
    assert "missing" in summary.failed["never_there"]
    others = {post.author_id for post in collection.posts().values()}
    assert others == {str(collection.site.accounts[2].id)}
    with pytest.raises(LikerankError, match="3 of the accounts failed") as raised:
        summary.complain()
    assert raised.value.exit_status == 3


def test_who_asked_to_be_forgotten_is_not_collected(collection: Collection) -> None:
    account = collection.site.accounts[0]
    configured_tombstones(collection.workplace.compose("collect")).add(f"instagram/{account.id}")
    summary = collection.collect()
    assert summary.exit_status == 0
    assert summary.skipped["forgotten"] == 1
    assert str(account.id) not in {post.author_id for post in collection.posts().values()}
    for file in collection.archive.rglob("*"):
        assert account.first_name not in file.name
        assert not file.is_file() or str(account.id).encode() not in file.read_bytes()


ABOUT_US = ["feedback_required", "checkpoint_required", "challenge_required", 401, 403]


@pytest.mark.parametrize("kind", ABOUT_US)
def test_what_is_about_us_stops_and_says_when_to_come_back(collection: Collection, kind: str | int) -> None:
    collection.stand_in.refusals.append(Refusal(kind, after=9, on="post"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "come back" in (summary.stopped or "")
    assert 0 < len(collection.posts()) <= 9
    asked = len(collection.stand_in.requests)
    assert asked <= 9 * 2 + 9
    collection.stand_in.refusals.clear()
    assert collection.collect().exit_status == 0
    assert collection.asked()["post"] <= 48 - 9 + 1
    assert collection.is_complete()


def test_a_wait_that_is_asked_for_is_waited_and_one_too_long_is_not(collection: Collection) -> None:
    collection.stand_in.refusals.append(Refusal(429, after=5, on="post", times=1))
    collection.stand_in.refusals.append(Refusal(429, after=1, on="page", times=1))
    begin = time.monotonic()
    assert collection.collect().exit_status == 0
    assert time.monotonic() - begin > 2
    assert collection.is_complete()
    collection.stand_in.refusals[:] = [Refusal(429, on="page")]
    summary = collection.collect(max_wait=0.5)
    assert summary.exit_status == 4
    assert "max_wait=0.5" in (summary.stopped or "")


def test_429_without_end_stops(collection: Collection) -> None:
    collection.stand_in.refusals.append(Refusal(429, after=5, on="post"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "429" in (summary.stopped or "")


@pytest.mark.parametrize("kind", ["html", "fail", "cut", 500])
@pytest.mark.parametrize("on", ["page", "posts", "post"])
def test_what_breaks_for_one_account_is_made_good_next_time(
    collection: Collection, kind: str | int, on: str
) -> None:
    account = max(collection.site.accounts, key=lambda one: collection.site.post_count(one))
    collection.stand_in.refusals.append(Refusal(kind, account=account.first_name, on=on))
    summary = collection.collect()
    others = {post.author_id for post in collection.posts().values()} - {str(account.id)}
    assert len(others) == 2
    if kind != "html" or on == "page":
        assert summary.failed.keys() == {account.first_name}
    collection.stand_in.refusals.clear()
    assert collection.collect().exit_status == 0
    assert collection.is_complete()


def test_three_accounts_in_a_row_without_an_answer_stop_it(collection: Collection) -> None:
    collection.stand_in.refusals.append(Refusal("login", on="page"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "3 accounts in a row" in (summary.stopped or "")


def test_a_session_that_was_logged_out_is_told_to_log_in_again(collection: Collection) -> None:
    session = collection.workplace.folder / "session"
    collection.stand_in.write_session("visitor", session)
    collection.stand_in.refusals.append(Refusal("login", after=1, on="timeline"))
    summary = collection.collect(login="visitor", session_file=session)
    assert summary.exit_status == 4
    assert "instaloader --login visitor" in (summary.stopped or "")


@pytest.mark.parametrize("kind", ["damaged", "cut", 403, 404])
def test_a_picture_that_does_not_come_is_tried_again_and_given_up_at_last(
    collection: Collection, kind: str | int
) -> None:
    name = first_account(collection)
    collection.stand_in.refusals.append(Refusal(kind, account=name, on="picture", times=3))
    if kind in ("damaged", 403):
        collection.stand_in.refusals[0].times = 1
    summary = collection.collect(accounts=[name])
    assert sum(number for reason, number in summary.skipped.items() if "tried again" in reason) == 1
    collection.stand_in.refusals.clear()
    summary = collection.collect()
    assert summary.exit_status == 0
    assert collection.is_complete()
    for picture in collection.archive.rglob("*.jpg"):
        make_stored_image(picture.read_bytes(), picture.name)
    assert not list(collection.archive.rglob("*.temp"))


def test_a_picture_that_never_comes_is_given_up_after_three_tries(collection: Collection) -> None:
    name = first_account(collection)
    collection.collect(accounts=[name], posts_per_account=5)
    collection.site.day = DAYS
    collection.stand_in.refusals.append(Refusal(404, account=name, on="picture"))
    reasons = [collection.collect(accounts=[name], posts_per_account=5).skipped for _ in range(4)]
    new = sum(number for reason, number in reasons[0].items() if "tried again" in reason)
    assert new > 0
    assert sum(number for reason, number in reasons[2].items() if "given up" in reason) == new
    assert not reasons[3]


def test_a_kept_post_is_known_by_its_own_file(collection: Collection) -> None:
    """A file that was cut short is written again, its picture not fetched again."""
    collection.collect(ripen_days=400)
    file = next(iter(sorted((collection.archive / first_account(collection)).glob("*UTC.json.xz"))))
    whole = Archive(collection.archive)
    count = whole.count()
    file.write_bytes(file.read_bytes()[:100])
    caption = next(iter(file.parent.glob("*.txt")))
    caption.write_text("")
    caption.with_suffix(".json.xz").unlink()
    before = collection.files().keys()
    collection.collect(ripen_days=400)
    assert collection.files().keys() == before | {
        str(caption.with_suffix(".json.xz").relative_to(collection.archive))
    }
    assert caption.read_text()
    assert collection.asked()["picture"] == 0
    assert collection.is_complete()
    assert Archive(collection.archive).count() > count


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"posts_per_account": 0}, "posts_per_account is 0"),
        ({"since": "soon"}, "since is soon"),
        ({"ripen_days": -1}, "ripen_days is -1"),
        ({"login": "ann", "session_file": "nowhere"}, "no session of ann in nowhere"),
        ({"login": "ann", "session_file": "accounts.txt"}, "instaloader --login ann"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    collection: Collection, changed: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection.workplace.folder)
    with pytest.raises(LikerankError, match=words):
        collection.collect(**changed)


def test_instagrams_limits_are_left_out_on_this_machine_alone(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:8080")
    with pytest.raises(LikerankError, match="stand-in on this machine"):
        collection.collect()


@pytest.mark.slow
def test_killed_at_any_moment_it_asks_for_no_post_a_third_time_and_ends_alike(collection: Collection) -> None:
    rng = random.Random(0)
    environment = os.environ | collection.stand_in.environment
    assert environment["HTTPS_PROXY"]
    asked: Counter[str | None] = Counter()
    kills = 0
    while kills < 4:
        process = collection.workplace.start("collect", *collection.overrides(ripen_days=30))
        # Late enough for a post to be done: of one that is killed twice in the middle nothing can be known.
        enough = len(collection.stand_in.requests) + rng.randrange(8, 20)
        wait_for(lambda: len(collection.stand_in.requests) > enough, process)  # noqa: B023
        kill(process)
        kills += 1
    assert collection.workplace.run("collect", *collection.overrides(ripen_days=30)).returncode == 0
    for request in collection.stand_in.requests:
        if request.kind in ("post", "picture"):
            asked[f"{request.kind} {request.post}"] += 1
    assert max(asked.values()) <= 2
    assert collection.is_complete()
    disturbed = collection.files()
    collection.workplace.folder.joinpath("data", "archive").rename(collection.workplace.folder / "disturbed")
    assert collection.collect().exit_status == 0
    assert disturbed == collection.files()


@pytest.mark.slow
def test_the_command_exits_as_it_says_and_two_at_once_are_refused(collection: Collection) -> None:
    collection.stand_in.refusals.append(Refusal("slow", on="post", seconds=0.2))
    first = collection.workplace.start("collect", *collection.overrides())
    wait_for(lambda: any(request.kind == "post" for request in collection.stand_in.requests), first)
    second = collection.workplace.run("collect", *collection.overrides())
    assert second.returncode == 1
    assert "Another collection into" in second.stderr
    collection.stand_in.refusals[:] = [Refusal("challenge_required", on="post")]
    _, errors = first.communicate()
    assert first.returncode == 4
    assert "likerank: Instagram asks for a challenge first" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_no_cookie_or_token_is_written_anywhere(collection: Collection) -> None:
    session = collection.workplace.folder / "session"
    collection.stand_in.write_session("visitor", session)
    cookies = pickle.loads(session.read_bytes())  # noqa: S301
    secrets = [
        value.encode() for name, value in cookies.items() if name in ("sessionid", "csrftoken") and value
    ]
    assert len(secrets) == 2
    collection.stand_in.refusals.append(Refusal(500, after=2, on="timeline", times=1))
    collection.stand_in.refusals.append(Refusal("cut", after=2, on="picture", times=1))
    options = collection.overrides(login="visitor", session_file=session)
    done = collection.workplace.run("collect", *options)
    assert done.returncode == 0
    collection.stand_in.refusals[:] = [Refusal("checkpoint_required", on="timeline")]
    stopped = collection.workplace.run("collect", *options)
    assert stopped.returncode == 4
    folders = collection.workplace.folder, (collection.workplace.folder / "mlruns").resolve()
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    written = {file: file.read_bytes() for file in files}
    logs = b"".join(content for file, content in written.items() if file.suffix == ".log")
    assert b"500 " in logs  # What Instaloader said of it is there.
    for secret in secrets:
        assert all(secret not in content for file, content in written.items() if file != session)
        for process in (done, stopped):
            assert secret.decode() not in process.stdout + process.stderr
