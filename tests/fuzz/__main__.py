"""Draws inputs for some minutes and prints how many of each kind there were, and which failed.

    python -m tests.fuzz minutes=60 [seed=1] [kinds=csv,image] [folder=fuzz_failures]
    python -m tests.fuzz again=fuzz_failures/csv-1-234

Each input that fails is kept in the folder, with the failure in `why.txt` beside it.
"""

import json
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.kinds import KINDS
from tests.fuzz.worker import INPUT, NOW, draw, end_server, read_again

_HANG_SECONDS = 90


class Fuzz:
    """Inputs of some kinds, drawn until a moment.

    Attributes:
        tried: The number of inputs by kind.
        failed: The number of those that failed.
        memory: The most memory that the process had, in MiB.
    """

    def __init__(self, kinds: list[str], seed: int, kept: Path) -> None:
        self.kinds, self.seed, self.kept = kinds, seed, kept
        self.tried, self.failed = Counter[str](), Counter[str]()
        self.memory = 0
        self._number = 0
        self._seen: set[str] = set()

    def run(self, seconds: float) -> None:
        """Draws for some time; a new process follows each failure."""
        end = time.monotonic() + seconds
        with tempfile.TemporaryDirectory(prefix="likerank-fuzz-") as work:
            while time.monotonic() < end:
                if wrong := self._draw(Path(work), end):
                    self._keep(Path(work), wrong)
                self._number += 1
            end_server(Path(work))

    def _draw(self, work: Path, end: float) -> str:
        """Draws until a failure, and returns it; "" at the end."""
        ours, theirs = get_context("spawn").Pipe()
        arguments = (theirs, work, self.seed, self._number, self.kinds)
        process = get_context("spawn").Process(target=draw, args=arguments)
        process.start()
        theirs.close()
        try:
            while time.monotonic() < end:
                if not ours.poll(_HANG_SECONDS):
                    return f"hung for {_HANG_SECONDS} s"
                kind, self._number, wrong, memory = ours.recv()
                self.tried[kind] += 1
                self.memory = max(self.memory, memory)
                if wrong:
                    return str(wrong)
        except EOFError:
            process.join()
            return f"ended the process with {process.exitcode}"
        finally:
            process.kill()
            process.join()
        return ""

    def _keep(self, work: Path, wrong: str) -> None:
        kind, self._number = json.loads((work / NOW).read_text())
        self.failed[kind] += 1
        # One input for each place in the code is enough.
        place = "|".join(re.findall(r'File ".*?", line \d+', wrong)[-3:]) or wrong[:80]
        if f"{kind} {place}" in self._seen:
            return
        self._seen.add(f"{kind} {place}")
        folder = self.kept / f"{kind}-{self.seed}-{self._number}"
        shutil.copytree(work / INPUT, folder, dirs_exist_ok=True)
        (folder / "why.txt").write_text(wrong)
        print(f"{folder}: {wrong.strip().splitlines()[-1][:300]}", flush=True)


def main() -> int:
    """Runs by the command line; returns the exit status: 1 where an input failed."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    if "again" in options:
        wrong = read_again(Path(options["again"]))
        print(wrong or "right")
        return bool(wrong)
    kinds = options["kinds"].split(",") if "kinds" in options else list(KINDS)
    fuzz = Fuzz(
        kinds, int(options.get("seed", time.time())), Path(options.get("folder", "fuzz_failures")).absolute()
    )
    fuzz.run(60 * float(options.get("minutes", 1)))
    inputs = ", ".join(f"{kind} {fuzz.tried[kind]:,}" for kind in kinds)
    failures = ", ".join(f"{kind} {times:,}" for kind, times in fuzz.failed.items()) or "none"
    print(f"seed {fuzz.seed}; inputs: {inputs}; failed: {failures}; memory {fuzz.memory} MiB at most")
    return bool(fuzz.failed)


if __name__ == "__main__":
    sys.exit(main())
