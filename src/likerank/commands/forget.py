"""Stage forget: a person who asked for it leaves everything that is kept, and does not come back."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from likerank.app.paths import (
    archive_folder,
    configured_store,
    configured_tracking,
    mlruns_folder,
    open_opt_out_list,
    snapshots_folder,
)
from likerank.collecting import SOURCE as INSTAGRAM
from likerank.collecting import STATE_FOLDER
from likerank.collecting.forgetting import ArchiveRemoval, archived_names, remove_from_archive
from likerank.dataset import AffectedSnapshot, blank_author
from likerank.errors import LikerankError
from likerank.progress import track
from likerank.run_names import (
    ANALYSED,
    ANALYSES,
    CHECKPOINTS,
    FIGURES,
    FINGERPRINT,
    FOLD,
    REFRESH,
    SUMMARIES,
    SWEEP,
)
from likerank.run_names import ANALYSIS_NUMBERS as NUMBERS
from likerank.store import ForgetCounts, Store
from likerank.tracking import (
    Rewrite,
    Run,
    Tracking,
    find_champion,
    remove_artifacts,
    rewrite_artifacts,
    rewrite_models,
)
from likerank.tracking.run_redaction import Traces

_SHOWN_RUNS: Final = 20


@dataclass(slots=True)
class RunRemoval:
    """What was removed from runs.

    Attributes:
        predictions: Predictions of the author's posts.
        checkpoints: Checkpoints whose target knew the author.
        models: Models whose metadata did.
        baselines: Folders of fitted baselines.
        log_lines: Lines that named the author.
        figures: Figures of runs on snapshots with the author: some show posts.
        analyses: Analyses that counted the author, in runs and in folders.
        changed: The ids of the runs in which there was something.
        unreadable: A sentence for each artifact that could not be looked into.
    """

    predictions: int = 0
    checkpoints: int = 0
    models: int = 0
    baselines: int = 0
    log_lines: int = 0
    figures: int = 0
    analyses: int = 0
    changed: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)


def forget(config: DictConfig) -> None:
    """Removes an author from archive, store, snapshots and runs, and prints what was removed and what stays.

    The tombstone comes first, so that nothing brings the author back meanwhile. Cut short and started again,
    it removes the rest.

    Raises:
        LikerankError: If nobody or several go by the name, a collect is running, or something could not be
            looked into; the rest is removed then.
    """
    with configured_store(config) as store:
        author_key, names = _find_author(_as_typed(config), store, archive_folder(config))
        print(f"Forgetting {author_key}; if this is cut short, run it again with author={author_key}.")
        open_opt_out_list(config).add(author_key)
        source, _, author_id = author_key.partition("/")
        archived = ArchiveRemoval()
        if source == INSTAGRAM:
            archived = remove_from_archive(archive_folder(config), author_id, names)
        stored = store.forget(author_key)
    snapshots = blank_author(snapshots_folder(config), author_key)
    tracking = configured_tracking(config)
    records = [record for tag in (FINGERPRINT, FOLD) for record in tracking.runs_anywhere(tag)]
    kept = _out_of_runs(tracking, records, Traces(author_key, names), snapshots, config)
    _print_removed(archived, stored, snapshots, kept)
    _print_staying(tracking, records, {each.fingerprint for each in snapshots}, kept.changed)
    if kept.unreadable:
        console = Console(stderr=True, soft_wrap=True)
        for sentence in kept.unreadable:
            console.print(f"  left out: {sentence}", markup=False, highlight=False)
        raise LikerankError(
            f"{_some(len(kept.unreadable), 'part')} of runs could not be looked into, as said above, and may "
            "still name who was forgotten; run this again, or delete those runs."
        )


def _as_typed(config: DictConfig) -> str:
    """Returns what stands behind `author=`: the name 12_34 would arrive as 1234, somebody else's id."""
    typed = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    asked = [override.removeprefix("author=") for override in typed if override.startswith("author=")]
    return asked[-1].strip("'\"") if asked else str(config.author)


def _find_author(asked: str, store: Store, archive: Path) -> tuple[str, set[str]]:
    """Returns the key of the author who is meant, and all their names.

    Raises:
        LikerankError: If nobody goes by the name, or several do.
    """
    text = asked.strip().removeprefix("@")
    archived = {f"{INSTAGRAM}/{author_id}": names for author_id, names in archived_names(archive).items()}
    if "/" in text.strip("/"):
        # Known or not: a person may ask before anything was collected.
        stored = store.find_authors(text.partition("/")[2])
        return text, stored.get(text, set()) | archived.get(text, set())
    stored = store.find_authors(text)
    found = {
        *stored,
        *(key for key, names in archived.items() if text.lower() in names or key == f"{INSTAGRAM}/{text}"),
    }
    if not found:
        raise LikerankError(
            f"Nobody in the store {store.database_name} or the archive {archive} has the id or the name "
            f"{text!r}; name who is meant as source/id, such as author={INSTAGRAM}/45: that is kept in mind "
            "even if nothing of theirs is here."
        )
    all_names = {key: stored.get(key, set()) | archived.get(key, set()) for key in sorted(found)}
    if len(found) > 1:
        several = ", ".join(f"{key} ({', '.join(sorted(names))})" for key, names in all_names.items())
        raise LikerankError(
            f"{text!r} may be any of {several}; name the one who is meant as author=source/id."
        )
    return all_names.popitem()


def _out_of_runs(
    tracking: Tracking,
    records: Iterable[Run],
    traces: Traces,
    snapshots: Collection[AffectedSnapshot],
    config: DictConfig,
) -> RunRemoval:
    removed = RunRemoval()

    def removed_from(run_id: str, remove: Callable[[], int]) -> int:
        try:
            number = remove()
        except LikerankError as error:
            removed.unreadable.append(f"Of run {run_id}: {error}")
            return 0
        if number:
            removed.changed.add(run_id)
        return number

    mlruns = mlruns_folder(config)
    affected = {each.fingerprint for each in snapshots}
    for record in track(list(records), "Runs"):
        run = record
        rewrite = partial(rewrite_artifacts, tracking, run)
        figures = partial(remove_artifacts, tracking, run, FIGURES)
        if record.tags.get(FINGERPRINT) in affected:
            removed.figures += removed_from(run.id, figures)
        removed.predictions += removed_from(
            run.id, partial(rewrite, "predictions", _after(figures, traces.out_of_predictions))
        )
        removed.checkpoints += removed_from(run.id, partial(rewrite, CHECKPOINTS, traces.out_of_checkpoint))
        removed.models += removed_from(run.id, partial(rewrite_models, tracking, run, traces.out_of_values))
    for record in tracking.runs_anywhere(REFRESH):
        rewrite = partial(rewrite_artifacts, tracking, record)
        removed.log_lines += removed_from(record.id, partial(rewrite, SUMMARIES, traces.out_of_summary))
    removed.log_lines += traces.out_of_summaries_in(mlruns / SUMMARIES)
    numbers = (NUMBERS, traces.are_in_numbers)
    for record in tracking.runs_anywhere(ANALYSED):
        run = record
        removed.analyses += removed_from(run.id, partial(remove_artifacts, tracking, run, ANALYSES, numbers))
    removed.analyses += traces.out_of_analyses_under(mlruns / ANALYSES)
    for folder in (mlruns / CHECKPOINTS).glob("*/"):
        removed.checkpoints += removed_from(folder.name, partial(traces.out_of_checkpoints_in, folder))
    removed.baselines = traces.out_of_baselines_under(mlruns / "baselines", affected)
    removed.log_lines += traces.out_of_logs_under(mlruns / "hydra")
    removed.log_lines += traces.out_of_logs_under(archive_folder(config) / STATE_FOLDER)
    return removed


def _after(remove: Callable[[], int], rewrite: Rewrite) -> Rewrite:
    """Returns a rewrite before whose outcome is kept something else is removed, where there is any.

    Of a snapshot that is gone the predictions alone tell whom a run's figures may show: killed in between,
    they must still tell it.
    """

    def both(file: Path, target: Path) -> int:
        if number := rewrite(file, target):
            remove()
        return number

    return both


def _print_removed(
    archived: ArchiveRemoval, stored: ForgetCounts, snapshots: list[AffectedSnapshot], kept: RunRemoval
) -> None:
    table = Table(title="Removed", title_justify="left", box=None, show_header=False)
    blanked = [each.posts for each in snapshots if each.posts]
    for place, removed in (
        (
            "archive",
            [
                _some(archived.posts, "post"),
                _some(archived.pictures, "picture"),
                _some(archived.files, "file"),
                _some(archived.observations, "observation"),
            ],
        ),
        (
            "store",
            [
                _some(stored.authors, "author"),
                _some(stored.posts, "post"),
                _some(stored.observations, "observation"),
            ],
        ),
        ("snapshots", [f"{_some(sum(blanked), 'post')} in {_some(len(blanked), 'snapshot')}, now unusable"]),
        (
            "runs",
            [
                _some(kept.predictions, "prediction"),
                _some(kept.checkpoints + kept.models, "mean") + " of likes",
                _some(kept.baselines, "folder") + " of baselines",
                _some(kept.log_lines, "line") + " of logs",
                _some(kept.figures, "figure"),
                _some(kept.analyses, "file") + " of analyses",
            ],
        ),
    ):
        table.add_row(place, ", ".join(removed))
    Console(soft_wrap=True).print(table)


def _print_staying(
    tracking: Tracking, records: Iterable[Run], fingerprints: set[str], changed: set[str]
) -> None:
    """Says what cannot be undone."""
    print("What cannot be undone:")
    trained = {
        record.id: record
        for record in records
        if SWEEP not in record.tags and (record.tags.get(FINGERPRINT) in fingerprints or record.id in changed)
    }
    if trained:
        shown = list(trained)[:_SHOWN_RUNS]
        more = f" and {len(trained) - len(shown)} more" if len(trained) > len(shown) else ""
        print(
            f"- Models trained on posts now forgotten keep what they learned: run {', '.join(shown)}{more}."
        )
        champion = find_champion(tracking)
        if champion is not None and champion.id in trained:
            print(f"  The champion, run {champion.id}, is one of them.")
        print("  Train again (scripts/train.py), promote the new one, and delete the old runs in MLflow.")
    if running := [run_id for run_id, record in trained.items() if record.status == "RUNNING"]:
        print(f"- Run {', '.join(running)} may still be training on them: stop it, then run this again.")
    print(
        "- Copies elsewhere: exports, backups, other archives, other people's posts that name them, rankings "
        "of their photos, the list of accounts; and what databases have freed on disk but not overwritten."
    )


def _some(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
