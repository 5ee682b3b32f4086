"""A sweep's trials on the screen."""

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

_SHOWN = 20
_OWN = ("run", "status", "objective", "reason")


def print_trials(trials: pd.DataFrame, title: str) -> None:
    """Prints the best trials of a sweep, and all that did not finish with the reason.

    Args:
        trials: A row a trial, best first, with the columns `run`, `status`, `objective` (NaN where there is
            none), `reason` and the choices that differ, as text.
        title: What stands above.
    """
    table = Table("", "objective", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("run", no_wrap=True)
    table.add_column("choices", overflow="fold")
    finished = trials[trials["objective"].notna()]
    for place, (_, trial) in enumerate(finished.head(_SHOWN).iterrows(), start=1):
        table.add_row(str(place), f"{trial['objective']:.4f}", trial["run"], _choices(trial))
    console = Console()
    console.print(table)
    if len(finished) > _SHOWN:
        console.print(f"and {len(finished) - _SHOWN} more: sweep/trials.csv in the sweep's run has them all.")
    for _, trial in trials[trials["status"] != "FINISHED"].iterrows():
        words = f"{str(trial['status']).lower()}: {_choices(trial)}: {trial['reason']}"
        console.print(words, markup=False, highlight=False)


def _choices(trial: "pd.Series[str]") -> str:
    return " ".join(
        f"{str(name).rsplit('.', 1)[-1]}={_short(str(trial[name]))}"
        for name in trial.index
        if name not in _OWN and trial[name] != ""
    )


def _short(value: str) -> str:
    """Returns a fraction with four digits, and anything else as it is."""
    try:
        return f"{float(value):.4g}" if "." in value or "e" in value else value
    except ValueError:
        return value
