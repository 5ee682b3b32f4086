"""Effects of a sweep's choices on the objective, on average over the other choices."""

import re

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from likerank.evaluation.intervals import CONFIDENCE

SEED, OBJECTIVE = "seed", "objective"
_VALUES_SHOWN_APART = 5
_BINS = 4


def swept_keys(trials: pd.DataFrame) -> list[str]:
    """Returns the columns of choices that differ between trials, without the seed."""
    choices = [column for column in trials.columns if column not in (SEED, OBJECTIVE)]
    return [column for column in choices if trials[column].astype(str).nunique() > 1]


def numbers_in(values: pd.Series) -> "pd.Series[float] | None":
    """Returns a column of choices as numbers, NaN where missing, or None where some value is no number."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    return numbers if (numbers.isna() == values.isna()).all() else None


def effects_of_choices(trials: pd.DataFrame) -> pd.DataFrame:
    """Returns the lead of trials with a choice over the mean of all, with an interval over seeds.

    An effect is computed for each seed and averaged over seeds. It is an association: of choices that a
    sampler combined often, each has the effect of all.

    Args:
        trials: One row a trial: a column for each choice (text or numbers; None or NaN where a trial has no
            such key), `seed`, and `objective`, NaN where the trial failed. More than 5 different numbers are
            put into up to 4 bins of equal counts.

    Returns:
        One row a choice: `key`, `value`, `trials`, `seeds`, `effect`, and `low` and `high`, the bounds of a
        95 % interval, NaN where there is one seed.
    """
    finished = trials[trials[OBJECTIVE].notna()]
    rows = [
        {"key": key, "value": value, **_effect(finished, choice == value)}
        for key in swept_keys(finished)
        for choice in [_binned(finished[key])]
        for value in sorted(set(choice.dropna()), key=by_numbers_in_it)
    ]
    return pd.DataFrame(rows, columns=["key", "value", "trials", "seeds", "effect", "low", "high"])


def _binned(values: pd.Series) -> "pd.Series[str]":
    numbers = numbers_in(values)
    if numbers is None or numbers.nunique() <= _VALUES_SHOWN_APART:
        return values.map(str, na_action="ignore")
    bins = pd.qcut(numbers, _BINS, labels=False, duplicates="drop")
    ends = numbers.groupby(bins).agg(["min", "max"])
    named = {i: f"{row['min']:.3g} to {row['max']:.3g}" for i, row in ends.iterrows()}
    return bins.map(named)


def by_numbers_in_it(text: str) -> tuple[list[float], str]:
    """Returns a sort key that puts [8, 16] before [16, 32], and 0.0003 before 1e-3."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)], text


def _effect(trials: pd.DataFrame, chosen: "pd.Series[bool]") -> dict[str, float | int]:
    of_all = trials.groupby(SEED)[OBJECTIVE].mean()
    with_it = trials[chosen].groupby(SEED)[OBJECTIVE].mean()
    by_seed = (with_it - of_all).dropna().to_numpy(np.float64)
    effect, seeds = float(by_seed.mean()), by_seed.size
    reach = np.nan
    if seeds > 1:
        reach = float(stdtrit(seeds - 1, (1 + CONFIDENCE) / 2) * by_seed.std(ddof=1) / np.sqrt(seeds))
    return {
        "trials": int(chosen.sum()),
        "seeds": seeds,
        "effect": effect,
        "low": effect - reach,
        "high": effect + reach,
    }
