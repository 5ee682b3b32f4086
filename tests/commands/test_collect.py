"""Collecting, through an unmodified Instaloader and over TLS, from a site with known counts."""

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

from fake_instagram import Event, FakeInstagram, FaultRule, Site
from likerank.app.paths import open_opt_out_list
from likerank.collecting.summary import CollectSummary
from likerank.commands.collect import collect
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
    instagram: FakeInstagram
    workplace: Workplace

    @property
    def archive(self) -> Path:
        return self.workplace.folder / "data" / "archive"

    def overrides(self, **changed: Any) -> list[str]:
        listed = changed.pop("accounts", None) or [account.first_name for account in self.site.accounts]
        accounts = self.workplace.folder / "accounts.txt"
        accounts.write_text("\n".join(listed))
        options = {"accounts": accounts, "limits": "false", "observation_days": 0, "max_wait": 5} | changed
        return [f"{key}={value}" for key, value in options.items()]

    def collect(self, **changed: Any) -> CollectSummary:
        """Collects in this process; `requests` then holds only the requests of this collection."""
        self.instagram.forget_requests()
        return collect(self.workplace.compose("collect", *self.overrides(**changed)))

    def asked(self) -> Counter[str]:
        return Counter(request.kind for request in self.instagram.requests)

    def posts(self) -> dict[str, Post]:
        """Returns the archive's posts by their ids, with the newest counts."""
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
        """Returns the pictures' bytes and the names of all files."""
        return {
            str(file.relative_to(self.archive)): file.read_bytes() if file.suffix == ".jpg" else b""
            for file in self.archive.rglob("*")
            if file.is_file() and ".collect" not in file.parts
        }

    def is_complete(self) -> bool:
        """Asserts that the archive has each of today's photos, with its picture and its counts."""
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
    site = Site(posts=36, authors=3, seed=1, start=start, history_days=300, coming_days=DAYS)
    workplace.folder.mkdir(parents=True, exist_ok=True)
    with FakeInstagram(site) as instagram:
        for name, value in instagram.environment.items():
            monkeypatch.setenv(name, value)
        yield Collection(site, instagram, workplace)


def first_account(collection: Collection) -> str:
    return collection.site.accounts[0].first_name


@pytest.mark.parametrize("login", [None, "visitor"])
def test_all_photos_and_counts_arrive_with_few_requests(collection: Collection, login: str | None) -> None:
    session = collection.workplace.folder / "session"
    if login:
        collection.instagram.write_session(login, session)
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
    # The second collection has no new posts and requests no known ones.
    summary = collection.collect(login=login or "null", session_file=session if login else "null")
    assert (summary.exit_status, summary.new, summary.observed) == (0, 0, 0)
    assert sum(collection.asked().values()) <= 1 + 3 * len(collection.site.accounts)
    assert collection.asked()["picture"] == 0


def test_counts_are_read_again_without_the_picture(collection: Collection) -> None:
    collection.site.day = 1
    collection.collect(observation_days=30)
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
        summary = collection.collect(observation_days=30)
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


def test_the_next_day_only_new_posts_are_downloaded(collection: Collection) -> None:
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


def test_posts_per_account_and_since_can_be_widened_later(collection: Collection) -> None:
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


def test_a_renamed_account_stays_one_under_its_old_name(collection: Collection) -> None:
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


def test_a_failing_account_does_not_affect_the_others(collection: Collection) -> None:
    renamed, private, _ = (account.first_name for account in collection.site.accounts)
    # Before its first collection, so that its id is not known.
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
        summary.raise_if_incomplete()
    assert raised.value.exit_status == 3


def test_accounts_on_the_opt_out_list_are_not_collected(collection: Collection) -> None:
    account = collection.site.accounts[0]
    open_opt_out_list(collection.workplace.compose("collect")).add(f"instagram/{account.id}")
    summary = collection.collect()
    assert summary.exit_status == 0
    assert summary.skipped["forgotten"] == 1
    assert str(account.id) not in {post.author_id for post in collection.posts().values()}
    for file in collection.archive.rglob("*"):
        assert account.first_name not in file.name
        assert not file.is_file() or str(account.id).encode() not in file.read_bytes()


BLOCKS = ["feedback_required", "checkpoint_required", "challenge_required", 401, 403]


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_block_of_the_visitor_stops_the_collection(collection: Collection, kind: str | int) -> None:
    collection.instagram.fault_rules.append(FaultRule(kind, after=9, on="post"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "come back" in (summary.stopped or "")
    assert 0 < len(collection.posts()) <= 9
    asked = len(collection.instagram.requests)
    assert asked <= 9 * 2 + 9
    collection.instagram.fault_rules.clear()
    assert collection.collect().exit_status == 0
    assert collection.asked()["post"] <= 48 - 9 + 1
    assert collection.is_complete()


def test_waits_are_kept_up_to_max_wait(collection: Collection) -> None:
    collection.instagram.fault_rules.append(FaultRule(429, after=5, on="post", times=1))
    collection.instagram.fault_rules.append(FaultRule(429, after=1, on="page", times=1))
    begin = time.monotonic()
    assert collection.collect().exit_status == 0
    assert time.monotonic() - begin > 2
    assert collection.is_complete()
    collection.instagram.fault_rules[:] = [FaultRule(429, on="page")]
    summary = collection.collect(max_wait=0.5)
    assert summary.exit_status == 4
    assert "max_wait=0.5" in (summary.stopped or "")


def test_permanent_429_stops_the_collection(collection: Collection) -> None:
    collection.instagram.fault_rules.append(FaultRule(429, after=5, on="post"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "429" in (summary.stopped or "")


@pytest.mark.parametrize("kind", ["html", "fail", "cut", 500])
@pytest.mark.parametrize("on", ["page", "posts", "post"])
def test_a_failed_account_is_completed_next_time(collection: Collection, kind: str | int, on: str) -> None:
    account = max(collection.site.accounts, key=lambda one: collection.site.post_count(one))
    collection.instagram.fault_rules.append(FaultRule(kind, account=account.first_name, on=on))
    summary = collection.collect()
    others = {post.author_id for post in collection.posts().values()} - {str(account.id)}
    assert len(others) == 2
    if kind != "html" or on == "page":
        assert summary.failed.keys() == {account.first_name}
    collection.instagram.fault_rules.clear()
    assert collection.collect().exit_status == 0
    assert collection.is_complete()


def test_three_failed_accounts_in_a_row_stop_it(collection: Collection) -> None:
    collection.instagram.fault_rules.append(FaultRule("login", on="page"))
    summary = collection.collect()
    assert summary.exit_status == 4
    assert "3 accounts in a row" in (summary.stopped or "")


def test_an_expired_session_is_an_error_that_says_log_in(collection: Collection) -> None:
    session = collection.workplace.folder / "session"
    collection.instagram.write_session("visitor", session)
    collection.instagram.fault_rules.append(FaultRule("login", after=1, on="timeline"))
    summary = collection.collect(login="visitor", session_file=session)
    assert summary.exit_status == 4
    assert "instaloader --login visitor" in (summary.stopped or "")


@pytest.mark.parametrize("kind", ["damaged", "cut", 403, 404])
def test_a_missing_picture_is_requested_again_next_time(collection: Collection, kind: str | int) -> None:
    name = first_account(collection)
    collection.instagram.fault_rules.append(FaultRule(kind, account=name, on="picture", times=3))
    if kind in ("damaged", 403):
        collection.instagram.fault_rules[0].times = 1
    summary = collection.collect(accounts=[name])
    assert sum(number for reason, number in summary.skipped.items() if "tried again" in reason) == 1
    collection.instagram.fault_rules.clear()
    summary = collection.collect()
    assert summary.exit_status == 0
    assert collection.is_complete()
    for picture in collection.archive.rglob("*.jpg"):
        make_stored_image(picture.read_bytes(), picture.name)
    assert not list(collection.archive.rglob("*.temp"))


def test_a_picture_is_given_up_after_three_attempts(collection: Collection) -> None:
    name = first_account(collection)
    collection.collect(accounts=[name], posts_per_account=5)
    collection.site.day = DAYS
    collection.instagram.fault_rules.append(FaultRule(404, account=name, on="picture"))
    reasons = [collection.collect(accounts=[name], posts_per_account=5).skipped for _ in range(4)]
    new = sum(number for reason, number in reasons[0].items() if "tried again" in reason)
    assert new > 0
    assert sum(number for reason, number in reasons[2].items() if "given up" in reason) == new
    assert not reasons[3]


def test_a_damaged_file_is_rewritten_without_its_picture(collection: Collection) -> None:
    collection.collect(observation_days=400)
    file = next(iter(sorted((collection.archive / first_account(collection)).glob("*UTC.json.xz"))))
    whole = Archive(collection.archive)
    count = whole.count()
    file.write_bytes(file.read_bytes()[:100])
    caption = next(iter(file.parent.glob("*.txt")))
    caption.write_text("")
    caption.with_suffix(".json.xz").unlink()
    before = collection.files().keys()
    collection.collect(observation_days=400)
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
        ({"observation_days": -1}, "observation_days is -1"),
        ({"login": "ann", "session_file": "nowhere"}, "no session of ann in nowhere"),
        ({"login": "ann", "session_file": "accounts.txt"}, "instaloader --login ann"),
    ],
)
def test_an_invalid_option_is_named(
    collection: Collection, changed: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection.workplace.folder)
    with pytest.raises(LikerankError, match=words):
        collection.collect(**changed)


def test_limits_can_be_off_only_on_this_machine(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:8080")
    with pytest.raises(LikerankError, match="fake Instagram on this machine"):
        collection.collect()


@pytest.mark.slow
def test_after_kills_no_post_is_requested_a_third_time(collection: Collection) -> None:
    rng = random.Random(0)
    environment = os.environ | collection.instagram.environment
    assert environment["HTTPS_PROXY"]
    asked: Counter[str | None] = Counter()
    kills = 0
    while kills < 4:
        process = collection.workplace.start("collect", *collection.overrides(observation_days=30))
        # Late enough for a post to be complete: a post in progress at two kills leaves no trace.
        enough = len(collection.instagram.requests) + rng.randrange(8, 20)
        wait_for(lambda: len(collection.instagram.requests) > enough, process)  # noqa: B023
        kill(process)
        kills += 1
    assert collection.workplace.call("collect", *collection.overrides(observation_days=30)).returncode == 0
    for request in collection.instagram.requests:
        if request.kind in ("post", "picture"):
            asked[f"{request.kind} {request.post}"] += 1
    assert max(asked.values()) <= 2
    assert collection.is_complete()
    disturbed = collection.files()
    collection.workplace.folder.joinpath("data", "archive").rename(collection.workplace.folder / "disturbed")
    assert collection.collect().exit_status == 0
    assert disturbed == collection.files()


@pytest.mark.slow
def test_exit_statuses_and_a_second_collection(collection: Collection) -> None:
    collection.instagram.fault_rules.append(FaultRule("slow", on="post", seconds=0.2))
    first = collection.workplace.start("collect", *collection.overrides())
    wait_for(lambda: any(request.kind == "post" for request in collection.instagram.requests), first)
    second = collection.workplace.call("collect", *collection.overrides())
    assert second.returncode == 1
    assert "Another command is writing to the archive" in second.stderr
    collection.instagram.fault_rules[:] = [FaultRule("challenge_required", on="post")]
    _, errors = first.communicate()
    assert first.returncode == 4
    assert "likerank: Instagram asks for a challenge first" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_no_cookie_or_token_is_written_anywhere(collection: Collection) -> None:
    session = collection.workplace.folder / "session"
    collection.instagram.write_session("visitor", session)
    cookies = pickle.loads(session.read_bytes())  # noqa: S301
    secrets = [
        value.encode() for name, value in cookies.items() if name in ("sessionid", "csrftoken") and value
    ]
    assert len(secrets) == 2
    collection.instagram.fault_rules.append(FaultRule(500, after=2, on="timeline", times=1))
    collection.instagram.fault_rules.append(FaultRule("cut", after=2, on="picture", times=1))
    options = collection.overrides(login="visitor", session_file=session)
    done = collection.workplace.call("collect", *options)
    assert done.returncode == 0
    collection.instagram.fault_rules[:] = [FaultRule("checkpoint_required", on="timeline")]
    stopped = collection.workplace.call("collect", *options)
    assert stopped.returncode == 4
    folders = collection.workplace.folder, (collection.workplace.folder / "mlruns").resolve()
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    written = {file: file.read_bytes() for file in files}
    logs = b"".join(content for file, content in written.items() if file.suffix == ".log")
    assert b"500 " in logs  # Instaloader's message is logged.
    for secret in secrets:
        assert all(secret not in content for file, content in written.items() if file != session)
        for process in (done, stopped):
            assert secret.decode() not in process.stdout + process.stderr
