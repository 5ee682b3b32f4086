"""Draws and reads inputs, in a process of its own that a watch ends where it hangs."""

import json
import os
import shutil
import signal
import tempfile
from contextlib import redirect_stderr, redirect_stdout, suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import psutil

from likerank.store import open_store
from tests.fuzz.fuzzer import failure_of
from tests.fuzz.kinds import KINDS

NOW = "now.json"
"""The file that names the kind and the number of the input in work."""
INPUT = "input"
"""The folder of that input."""


def draw(report: Connection, work: Path, seed: int, first: int, kinds: list[str]) -> None:
    """Draws and reads inputs, from a number on, until the first that fails; reports on each."""
    _prepare()
    weights = [KINDS[kind].weight for kind in kinds]
    with open_store("embedded", "fuzz", work / "mongo") as store, suppress(BrokenPipeError):
        for number in count(first):
            random = Random(f"{seed}-{number}")
            kind = random.choices(kinds, weights)[0]
            shutil.rmtree(work / INPUT, ignore_errors=True)
            (work / INPUT).mkdir()
            (work / NOW).write_text(json.dumps([kind, number]))
            KINDS[kind].draw(random, work / INPUT)
            with (work / "output").open("w") as output, redirect_stdout(output), redirect_stderr(output):
                wrong = failure_of(KINDS[kind], work / INPUT, store)
            report.send((kind, number, wrong, psutil.Process().memory_info().rss >> 20))
            if wrong:
                return


def read_again(folder: Path) -> str:
    """Reads an input that was kept; returns what was wrong with the reading."""
    _prepare()
    kind = KINDS[folder.name.split("-")[0]]
    with (
        tempfile.TemporaryDirectory(prefix="likerank-fuzz-") as work,
        open_store("embedded", "fuzz", Path(work) / "mongo") as store,
    ):
        shutil.copytree(folder, Path(work) / INPUT)
        wrong = failure_of(kind, Path(work) / INPUT, store)
        end_server(Path(work))
    return wrong


def end_server(work: Path) -> None:
    """Ends the store's server, whose supervisor follows it."""
    with suppress(OSError):
        os.kill(int((work / "mongo" / "server.pid").read_text()), signal.SIGTERM)


def _prepare() -> None:
    os.environ["LIKERANK_CONF"] = str(Path(__file__).parents[1] / "conf")
