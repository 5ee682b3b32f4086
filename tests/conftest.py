"""Tiers of the tests, hypothesis' profiles, the folder of real data, and an embedded server for all."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.workplaces"]

# Before anything imports numpy or torch, and for the processes that tests start: a test has one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test follows the configuration of the developer who runs it.
os.environ["LIKERANK_CONF"] = str(Path(__file__).parent / "conf")
for name in ("LIKERANK_STORE", "LIKERANK_TRACKING", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)
# A shell starts what runs in its background deaf to Ctrl-C, and that is inherited by what tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Without time limits: no test fails because the machine is slow. --hypothesis-profile=fast chooses the other.
settings.register_profile(
    "full", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("full"), max_examples=5)
settings.load_profile("full")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests that need MLflow as slow; gives slow tests out first, so that no long one is the last."""
    for item in items:
        if "mlflow_database" in getattr(item, "fixturenames", ()):  # Also by a workplace, or by a training.
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, which is never part of the project; skips where it is absent."""
    beside_the_checkout = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LIKERANK_SHARED_DATA", beside_the_checkout))
    if not folder.is_dir():
        pytest.skip("the real data is not here")
    return folder


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of an embedded server that this session's (under xdist, this worker's) tests share."""
    folder = tmp_path_factory.mktemp("mongo")
    yield folder
    # Its supervisor follows it; nothing is there where no test opened a store.
    with suppress(OSError):
        os.kill(int((folder / "server.pid").read_text()), signal.SIGTERM)
