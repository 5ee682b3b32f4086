"""A sweep's trials on the screen."""

import math

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

_SHOWN = 20
_OWN = ("run", "status", "objective", "reason")


def print_trials(trials: pd.DataFrame, title: str) -> None:
    """Prints the best trials of a sweep and all that failed.

    Args:
        trials: A row a trial, best first, with the columns `run`, `status`, `objective` (NaN where there is
            none), `reason` and the parameters that differ.
        title: What stands above.
    """
    parameters = [name for name in trials.columns if name not in _OWN]
    parameters = [name for name in parameters if trials[name].nunique() > 1]
    table = Table("", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for parameter in parameters:
        table.add_column(parameter, overflow="fold")
    for kept_whole in ("objective", "run"):
        table.add_column(kept_whole, no_wrap=True)
    finished = trials[trials["objective"].notna()]
    for place, (_, trial) in enumerate(finished.head(_SHOWN).iterrows(), start=1):
        table.add_row(str(place), *(str(trial[name]) for name in parameters), _score(trial), trial["run"])
    console = Console()
    console.print(table)
    if len(finished) > _SHOWN:
        console.print(f"and {len(finished) - _SHOWN} more: trials.csv in the sweep's run has them all.")
    for _, trial in trials[trials["status"] != "FINISHED"].iterrows():
        choice = ", ".join(f"{name}={trial[name]}" for name in parameters)
        console.print(
            f"{trial['status'].lower()}: {choice}: {trial['reason']}", markup=False, highlight=False
        )


def _score(trial: "pd.Series[float]") -> str:
    score = float(trial["objective"])
    return "-" if math.isnan(score) else f"{score:.4f}"
