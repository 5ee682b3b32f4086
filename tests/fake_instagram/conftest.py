"""A small site, served to the real Instaloader."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import instaloader
import pytest

from fake_instagram import Account, Refusal, Site, StandIn

Serve = Callable[..., StandIn]


class Hurry(instaloader.RateController):
    """Keeps no pace of its own, and gives up where the real one would sleep for minutes."""

    def __init__(self, context: instaloader.InstaloaderContext) -> None:
        super().__init__(context)
        self.slept: list[float] = []

    def wait_before_query(self, query_type: str) -> None:
        self._query_timestamps.setdefault(query_type, []).append(time.monotonic())

    def sleep(self, secs: float) -> None:
        self.slept.append(secs)


def make_loader(folder: Path, session: Path | None = None, timeout: float = 20.0) -> instaloader.Instaloader:
    """An Instaloader that writes into the folder, logged in as `visitor` where a session file is given."""
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
    """Serves a site until the test ends, and leads this process there."""
    with ExitStack() as stack:

        def start(site: Site, *refusals: Refusal) -> StandIn:
            stand_in = stack.enter_context(StandIn(site, refusals, tmp_path / "authority"))
            for name, value in stand_in.environment.items():
                monkeypatch.setenv(name, value)
            return stand_in

        yield start


@pytest.fixture
def stand_in(serve: Serve, site: Site) -> StandIn:
    return serve(site)


@pytest.fixture
def loader(stand_in: StandIn, tmp_path: Path) -> Iterator[instaloader.Instaloader]:
    """Nobody is logged in."""
    with make_loader(tmp_path) as loader:
        yield loader


@pytest.fixture
def visitor(stand_in: StandIn, tmp_path: Path) -> Iterator[instaloader.Instaloader]:
    """Logged in by a session file."""
    stand_in.write_session("visitor", tmp_path / "session")
    with make_loader(tmp_path, tmp_path / "session") as loader:
        yield loader
