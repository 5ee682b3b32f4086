"""Loads the predictions that runs keep of validation, grouped by configuration and seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset import SELECT, VALIDATION
from likerank.errors import LikerankError
from likerank.evaluation.configurations import Candidate
from likerank.evaluation.effects import SEED
from likerank.progress import track
from likerank.run_names import NETWORK, OVERRIDES, PREDICTIONS
from likerank.tracking import Run
from likerank.tracking.results import read_predictions
from likerank.tracking.run_groups import choices_of, labels_of, overrides_of
from likerank.tracking.select_runs import SelectedRuns

_JUDGED = ("author", "likes", "posted_at", "usual")
_NO_SCORES = (*_JUDGED, "half", "target")
_Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Predictions:
    """Scores to compare, on the posts of validation's model-selection half.

    Attributes:
        posts: `author`, `likes`, `posted_at` and `usual` by post key, N rows.
        candidates: Networks by configuration and baselines by target, each with its scores (N,) by seed.
        runs: The id of the run that the scores are of, by label and seed.
        notes: What was left out, in sentences.
    """

    posts: pd.DataFrame
    candidates: list[Candidate]
    runs: dict[str, dict[int, str]]
    notes: list[str]


@dataclass(frozen=True)
class _Scored:
    record: Run
    scores: NDArray[np.float64]


_Groups = dict[_Choices, dict[int, _Scored]]


def load_predictions(
    chosen: SelectedRuns, *, predictors: Sequence[str] | None, split_by: Sequence[str]
) -> Predictions:
    """Loads each run's predictions of validation; test is not read.

    Of several runs of one configuration and seed only the newest is used.

    Args:
        chosen: The runs, all of one snapshot.
        predictors: Which to compare, such as `network` and `ridge`; None for all that there are.
        split_by: Parameters that separate configurations though they are no choices, such as `seed`.

    Raises:
        LikerankError: If no run predicted with a predictor or has a parameter of that name, or keeps any.
    """
    for key in split_by:
        if not any(key in record.params for record in chosen.records):
            raise LikerankError(f"split_by names {key}, which is no parameter of these runs.")
    posts: pd.DataFrame | None = None
    unreadable: list[str] = []
    repeated = 0
    found: dict[str, _Groups] = {}
    for record, table in _tables(chosen, unreadable):
        posts = table[[name for name in _JUDGED if name in table]] if posts is None else posts
        table = table.drop(columns=list(_NO_SCORES), errors="ignore").reindex(posts.index)
        for name in table.columns:
            by_seed = found.setdefault(name, {}).setdefault(_choices(record, name, split_by), {})
            if (seed := int(record.params[SEED])) not in by_seed:
                by_seed[seed] = _Scored(record, table[name].to_numpy(np.float64))
            elif name == NETWORK:
                repeated += 1
    if predictors is not None and not predictors:
        raise LikerankError(f"predictors names none; these runs predicted with {', '.join(found)}.")
    if posts is None:
        raise LikerankError(f"{chosen.title}: no run keeps {PREDICTIONS}/{VALIDATION}.parquet; train again.")
    wanted = list(found) if predictors is None else predictors
    if unknown := [name for name in wanted if name not in found]:
        raise LikerankError(
            f"predictors names {', '.join(unknown)}; these runs predicted with {', '.join(found)}."
        )
    told = chosen.sweep is not None and not split_by
    labelled = {
        label: (name, by_seed) for name in wanted for label, by_seed in _labelled(name, found[name], told)
    }
    notes = [f"Left out, since they keep no predictions: {', '.join(unreadable)}."] if unreadable else []
    if repeated:
        runs = "1 run" if repeated == 1 else f"{repeated} runs"
        notes.append(f"Left out: {runs} that a newer one of the same configuration and seed stands for.")
    return Predictions(
        posts=posts,
        candidates=[
            Candidate(
                label=label,
                scores={seed: each.scores for seed, each in by_seed.items()},
                kind=name,
                family=_family(next(iter(by_seed.values())).record, name, split_by),
            )
            for label, (name, by_seed) in labelled.items()
        ],
        runs={
            label: {seed: each.record.id for seed, each in by_seed.items()}
            for label, (_, by_seed) in labelled.items()
        },
        notes=notes,
    )


def _tables(chosen: SelectedRuns, unreadable: list[str]) -> Iterator[tuple[Run, pd.DataFrame]]:
    for record in track(chosen.records, "predictions"):
        try:
            table = read_predictions(record, VALIDATION).set_index("key")
        except LikerankError:
            if chosen.named:
                raise
            unreadable.append(record.id)
            continue
        yield record, table[table["half"] == SELECT]


def _labelled(name: str, groups: _Groups, told: bool) -> Iterator[tuple[str, dict[int, _Scored]]]:
    """Yields each group with its label: its trials' overrides, where these differ between all groups."""
    labels = labels_of([dict(choices) for choices in groups], alone="")
    trials = [next(iter(by_seed.values())).record for by_seed in groups.values()]
    if told and name == NETWORK and all(OVERRIDES in trial.tags for trial in trials):
        overrides = [choices_of(overrides_of(trial.tags)) for trial in trials]
        if len({tuple(each.items()) for each in overrides}) == len(overrides):
            labels = labels_of(overrides, alone="")
    for label, by_seed in zip(labels, groups.values(), strict=True):
        whole = label if name == NETWORK and label else f"{name} {label}".rstrip()
        yield whole, dict(sorted(by_seed.items()))


def _choices(record: Run, name: str, split_by: Sequence[str]) -> _Choices:
    """Returns the choices that decide a predictor's scores: all for a network, the target for a baseline."""
    if name == NETWORK:
        return tuple(sorted(choices_of(record.params, split_by).items()))
    of_target = choices_of(record.params).items()
    return tuple(sorted((key, value) for key, value in of_target if key.split(".")[0] == "target"))


def _family(record: Run, name: str, split_by: Sequence[str]) -> str:
    return str(_choices(record, name, [key for key in split_by if key != SEED]))
