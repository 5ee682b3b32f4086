"""Start-up: the seconds from the training's command to its first step, and those of its --help."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.shared import TRAIN_SCRIPT, Fixtures, Measurement, timed, train_command
from likerank.errors import LikerankError


def start_up(fixtures: Fixtures) -> Iterator[Measurement]:
    command = train_command(fixtures, "trainer.max_epochs=1")
    # Only the last: the first start reads the libraries' files from the disk.
    seconds = [_seconds_to_first_step(command) for _ in range(fixtures.sizes.start_up.starts)][-1:]
    yield Measurement("start-up", "from the command to the first training step", seconds, unit=" s")
    helped = [sys.executable, TRAIN_SCRIPT, "--help"]
    seconds = [timed(lambda: subprocess.run(helped, capture_output=True, check=True)) for _ in range(3)]
    yield Measurement("start-up, --help", "the whole of scripts/train.py --help", seconds, unit=" s")


def _seconds_to_first_step(command: list[str]) -> float:
    """Returns the seconds until Lightning's progress bar shows the first epoch."""
    start, seen = time.perf_counter(), b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        while b"Epoch 0" not in seen:
            if not (read := os.read(process.stdout.fileno(), 4096)):
                raise LikerankError(f"The training ended before its first step: {seen.decode()}")
            seen += read
        seconds = time.perf_counter() - start
        process.communicate()
    return seconds
