"""Stage compare: finished runs on the same posts of validation, and whether one is better than the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from likerank.dataset import SELECT
from likerank.errors import LikerankError
from likerank.evaluation import (
    ACROSS,
    METRICS,
    SEED,
    WITHIN,
    Candidate,
    Metric,
    NothingToCompareError,
    Ranking,
    compare_candidates,
    mean_squared_error,
)
from likerank.pipeline.choosing import ChosenRuns, choose_runs
from likerank.pipeline.configurations import choices_of, labels_of
from likerank.pipeline.places import configured_tracking
from likerank.pipeline.ranking import MADE
from likerank.progress import track
from likerank.reports import comparison_page, print_ranking, ranking_frame
from likerank.tracking import RunRecord, Tracking

PREDICTIONS = "predictions/val.parquet"
NETWORK = "network"
_Choices = tuple[tuple[str, str], ...]
_POSTS = ("key", "author", "likes", "half", "target")


@dataclass(frozen=True)
class _Predicted:
    """A run with what it and its baselines say of validation's select half, by post key."""

    record: RunRecord
    table: pd.DataFrame


def compare(config: DictConfig) -> Ranking:
    """Compares finished runs by configuration, prints the table and the verdict, and writes both to files.

    Raises:
        LikerankError: If the runs cannot be had or compared; the message names them.
    """
    metric, authors_apart = _metric(str(config.metric))
    tracking = configured_tracking(config)
    chosen = choose_runs(config, tracking)
    predicted, notes = _read(tracking, chosen)
    candidates, runs = _candidates(config, predicted)
    posts = predicted[0].table
    try:
        ranking = compare_candidates(
            metric,
            likes=posts["likes"].to_numpy(np.float64),
            candidates=candidates,
            authors=pd.factorize(posts["author"])[0] if authors_apart else None,
        )
    except NothingToCompareError as error:
        raise LikerankError(f"There is no {config.metric}: {error}; choose another metric.") from error
    caption = [*chosen.notes, *notes, *([MADE] if posts.index.str.startswith("demo").any() else [])]
    title = f"{chosen.title}, snapshot {chosen.fingerprint}"
    print_ranking(ranking, title=title, metric=config.metric, caption=caption)
    best = {each.label: _best_run(each.by_seed, runs[each.label]) for each in ranking.standings}
    page = comparison_page(ranking, title=title, metric=config.metric, best_runs=best, caption=caption)
    folder = Path(config.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comparison.html").write_text(page)
    frame = ranking_frame(ranking, {label: list(by_seed.values()) for label, by_seed in runs.items()})
    frame.to_csv(folder / "comparison.csv", index=False)
    if chosen.sweep is not None:
        for name in ("comparison.html", "comparison.csv"):
            chosen.sweep.log_file(folder / name, "comparison")
    print(f"The page and the table: {folder / 'comparison.html'}, {folder / 'comparison.csv'}")
    networks = [each.label for each in ranking.standings if each.kind == NETWORK]
    if networks:
        print(f"Make it the champion: python scripts/promote.py run_id={best[networks[0]]}")
    return ranking


def _metric(key: str) -> tuple[Metric, bool]:
    """Returns the metric that a key such as `within/pairwise` names, and whether it is within authors."""
    scope, _, name = key.partition("/")
    # Errors are on the target's scale and never compared between targets.
    known = {name: metric for name, metric in METRICS.items() if metric is not mean_squared_error}
    if scope not in (WITHIN, ACROSS) or name not in known:
        raise LikerankError(
            f"metric is {key}; it must be {WITHIN}/ or {ACROSS}/ and one of {', '.join(known)}."
        )
    return known[name], scope == WITHIN


def _read(tracking: Tracking, chosen: ChosenRuns) -> tuple[list[_Predicted], list[str]]:
    found: list[_Predicted] = []
    unreadable = []
    for record in track(chosen.records, "predictions"):
        try:
            file = tracking.opened(record).artifact(PREDICTIONS)
        except LikerankError:
            if chosen.named:
                raise
            unreadable.append(record.id)
            continue
        table = pd.read_parquet(file).set_index("key")
        table = table[table["half"] == SELECT]
        if found:
            table = table.reindex(found[0].table.index)
        found.append(_Predicted(record, table))
    if not found:
        raise LikerankError(f"{chosen.title}: no run keeps {PREDICTIONS}; train again.")
    notes = [f"Left out, since they keep no predictions: {', '.join(unreadable)}."] if unreadable else []
    return found, notes


def _candidates(
    config: DictConfig, predicted: Sequence[_Predicted]
) -> tuple[list[Candidate], dict[str, dict[int, str]]]:
    """Returns what is to be compared, and by label each seed's run."""
    apart = [str(key) for key in config.apart]
    for key in apart:
        if not any(key in each.record.params for each in predicted):
            raise LikerankError(f"apart names {key}, which is no parameter of these runs.")
    there = list(
        dict.fromkeys(
            str(name)
            for each in predicted
            for name in each.table.columns.difference(list(_POSTS), sort=False)
        )
    )
    wanted = there if config.predictors is None else [str(name) for name in config.predictors]
    if unknown := [name for name in wanted if name not in there]:
        raise LikerankError(
            f"predictors names {', '.join(unknown)}; these runs predicted with {', '.join(there)}."
        )
    candidates: list[Candidate] = []
    runs: dict[str, dict[int, str]] = {}
    for name in wanted:
        groups = _grouped([each for each in predicted if name in each.table.columns], name, apart)
        labels = labels_of([dict(choices) for choices in groups], alone=NETWORK if name == NETWORK else "")
        for label, by_seed in zip(labels, groups.values(), strict=True):
            label = label if name == NETWORK else f"{name} {label}".rstrip()
            newest = next(iter(by_seed.values())).record
            runs[label] = {seed: each.record.id for seed, each in by_seed.items()}
            candidates.append(
                Candidate(
                    label=label,
                    scores={seed: each.table[name].to_numpy(np.float64) for seed, each in by_seed.items()},
                    kind=name,
                    family=str(_choices(newest, name, [key for key in apart if key != SEED])),
                )
            )
    return candidates, runs


def _grouped(
    predicted: Sequence[_Predicted], name: str, apart: Sequence[str]
) -> dict[_Choices, dict[int, _Predicted]]:
    """Returns each configuration's runs by seed; of several with one seed the first, which is the newest."""
    groups: dict[_Choices, dict[int, _Predicted]] = {}
    for each in predicted:
        of_configuration = groups.setdefault(_choices(each.record, name, apart), {})
        of_configuration.setdefault(int(each.record.params[SEED]), each)
    return {choices: dict(sorted(by_seed.items())) for choices, by_seed in groups.items()}


def _choices(record: RunRecord, name: str, apart: Sequence[str]) -> _Choices:
    """Returns what decides a predictor's scores: all choices for a network, the target for a baseline."""
    if name == NETWORK:
        return tuple(sorted(choices_of(record.params, apart).items()))
    of_target = choices_of(record.params).items()
    return tuple(sorted((key, value) for key, value in of_target if key.split(".")[0] == "target"))


def _best_run(by_seed: Mapping[int, float], runs: Mapping[int, str]) -> str:
    return runs[max(by_seed, key=lambda seed: by_seed[seed])]
