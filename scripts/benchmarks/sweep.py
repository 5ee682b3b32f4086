"""Sweep: trials by joblib, a core each, against the same one after another, on both cores and on one."""

import os
import subprocess
from collections.abc import Iterator, Mapping

from benchmarks.shared import Fixtures, Measurement, timed, train_command
from likerank.errors import LikerankError


def sweep(fixtures: Fixtures) -> Iterator[Measurement]:
    sizes = fixtures.sizes.sweep
    command = train_command(
        fixtures,
        *("experiment=paper", "target=author_log", "trainer.enable_progress_bar=false"),
        *(f"trainer.max_epochs={sizes.epochs}", f"seed=range(1,{sizes.trials + 1})"),
    )
    one_core = {**os.environ, "OMP_NUM_THREADS": "1"}
    pin = ["taskset", "-c", "0"]
    joblib, both, one = [], [], []
    for _ in range(sizes.rounds):
        joblib.append(timed(lambda: _run_quietly([*command, "launcher=joblib", "-m"])))
        both.append(timed(lambda: _run_quietly([*command, "-m"])))
        one.append(timed(lambda: _run_quietly([*pin, *command, "-m"], one_core)))
    for name, plain, target in (("both cores", both, 1.1), ("one core", one, 1.7)):
        compared = f"{sizes.trials} trials one after another on {name} / by joblib, a core each"
        measured = [slow / fast for slow, fast in zip(plain, joblib, strict=True)]
        yield Measurement(f"sweep, {name}", compared, measured, target)


def _run_quietly(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise LikerankError(f"{' '.join(command)} failed: {ran.stderr[-500:]}")
