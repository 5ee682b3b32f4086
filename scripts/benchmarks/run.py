"""The run of the chosen benchmarks, one after another, and the table of their measurements.

The two sides of a ratio take turns, so that a busy machine slows both, and the median of the turns' ratios is
printed. A target that is missed is printed as such, and is no error.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import torch
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.copies import copies
from benchmarks.decode import decode
from benchmarks.linear import linear
from benchmarks.loader import loader
from benchmarks.memory import memory
from benchmarks.million import million
from benchmarks.shared import Fixtures, Measurement
from benchmarks.start_up import start_up
from benchmarks.sweep import sweep
from benchmarks.table import table
from benchmarks.tracking import tracking
from benchmarks.training import fast, training
from likerank.errors import LikerankError

BENCHMARKS: Final[Mapping[str, Callable[[Fixtures], Iterator[Measurement]]]] = {
    # First, while this process holds no data of the other benchmarks.
    "memory": memory,
    "decode": decode,
    "table": table,
    "copies": copies,
    "loader": loader,
    "training": training,
    "fast": fast,
    "linear": linear,
    "tracking": tracking,
    "start_up": start_up,
    "sweep": sweep,
    # Half an hour and 20 GB: it runs only when it is named.
    "million": million,
}


def run(config: DictConfig) -> None:
    """Runs the benchmarks of `only`, or all but `million`, and prints the table, also after an error.

    Raises:
        LikerankError: If `only` names a benchmark that does not exist.
    """
    chosen = list(config.only or [name for name in BENCHMARKS if name != "million"])
    if unknown := set(chosen) - set(BENCHMARKS):
        raise LikerankError(
            f"No benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}."
        )
    threads = config.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    columns = ("benchmark", "what is compared", "result", "target", "met", "rounds")
    printed = Table(*columns, caption=_machine(threads))
    temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    try:
        with threadpool_limits(threads), temporary as folder:
            fixtures = Fixtures(config[config.size], Path(folder), config.photos)
            for name in chosen:
                print(f"{name} ...", file=sys.stderr)
                for measurement in BENCHMARKS[name](fixtures):
                    printed.add_row(*measurement.cells())
    finally:
        Console().print(printed)


def _machine(threads: int) -> str:
    processor = platform.processor() or platform.machine()
    with suppress(OSError, IndexError):
        processor = Path("/proc/cpuinfo").read_text().split("model name")[1].split(":")[1].splitlines()[0]
    cores = f"{os.cpu_count()} cores, {threads} threads, load {os.getloadavg()[0]:.1f} before"
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{processor.strip()}, {cores}; {versions}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
