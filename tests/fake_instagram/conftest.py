"""A small site, served to the real Instaloader."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import instaloader
import pytest

from fake_instagram import Account, FakeInstagram, FaultRule, Site

Serve = Callable[..., FakeInstagram]


class Hurry(instaloader.RateController):
    """Never waits, and records where the real controller would sleep for minutes."""

    def __init__(self, context: instaloader.InstaloaderContext) -> None:
        super().__init__(context)
        self.slept: list[float] = []

    def wait_before_query(self, query_type: str) -> None:
        self._query_timestamps.setdefault(query_type, []).append(time.monotonic())

    def sleep(self, secs: float) -> None:
        self.slept.append(secs)


def make_loader(folder: Path, session: Path | None = None, timeout: float = 300.0) -> instaloader.Instaloader:
    """Returns an Instaloader that writes into the folder, logged in if there is a session file."""
    loader = instaloader.Instaloader(
        sleep=False,
        quiet=True,
        iphone_support=False,
        dirname_pattern=str(folder / "{target}"),
        request_timeout=timeout,
        rate_controller=Hurry,
    )
    if session is not None:
        loader.load_session_from_file("visitor", str(session))
    return loader


def profile_of(loader: instaloader.Instaloader, account: Account) -> instaloader.Profile:
    profile: instaloader.Profile = instaloader.Profile.from_username(loader.context, account.first_name)
    return profile


@pytest.fixture
def site() -> Site:
    return Site(posts=300, authors=4, seed=1)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Serves a site until the test ends, and sends requests of this process to it."""
    with ExitStack() as stack:

        def start(site: Site, *fault_rules: FaultRule) -> FakeInstagram:
            instagram = stack.enter_context(FakeInstagram(site, fault_rules))
            for name, value in instagram.environment.items():
                monkeypatch.setenv(name, value)
            return instagram

        yield start


@pytest.fixture
def instagram(serve: Serve, site: Site) -> FakeInstagram:
    return serve(site)


@pytest.fixture
def loader(instagram: FakeInstagram, tmp_path: Path) -> Iterator[instaloader.Instaloader]:
    """A loader without a session."""
    with make_loader(tmp_path) as loader:
        yield loader


@pytest.fixture
def visitor(instagram: FakeInstagram, tmp_path: Path) -> Iterator[instaloader.Instaloader]:
    """A loader that is logged in by a session file."""
    instagram.write_session("visitor", tmp_path / "session")
    with make_loader(tmp_path, tmp_path / "session") as loader:
        yield loader
