"""Selects runs of MLflow by id, sweep or experiment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from likerank.errors import LikerankError
from likerank.run_names import FINGERPRINT, PARENT, SWEEP, trial_tag
from likerank.tracking import Run, Tracking


@dataclass(frozen=True)
class SelectedRuns:
    """Finished trainings on one snapshot.

    Attributes:
        records: At least one, the newest first.
        fingerprint: The snapshot's.
        title: Which runs they are, in a few words.
        named: Whether the user named each of them.
        sweep: The parent whose trials they are, if they are.
        notes: What was left out, in sentences.
    """

    records: list[Run]
    fingerprint: str
    title: str
    named: bool = False
    sweep: Run | None = None
    notes: list[str] = field(default_factory=list)


def select_runs(
    tracking: Tracking,
    *,
    runs: Sequence[str] | None = None,
    sweep_id: str | None = None,
    since: str | None = None,
) -> SelectedRuns:
    """Returns the finished trainings with these ids, of a sweep, or of the experiment that `tracking` opened.

    Args:
        tracking: Where the runs are.
        runs: The ids of runs; None for those of `sweep_id` or of the experiment.
        sweep_id: The id of a sweep's parent run.
        since: Leaves out runs that started before: an ISO 8601 date or time, UTC unless it says otherwise.

    Raises:
        LikerankError: If there are none, or a named one is missing, unfinished or of another snapshot.
    """
    if runs is not None and (sweep_id is not None or since is not None):
        raise LikerankError("runs names the runs to compare; leave sweep_id and since out.")
    if runs is not None:
        return _named(tracking, runs)
    started = None if since is None else _moment(since)
    after = "" if started is None else f" since {started:%Y-%m-%d %H:%M} UTC"
    if sweep_id is not None:
        parent = tracking.run(sweep_id)
        trials = trials_of(tracking, parent, started)
        trainings = _finished(trials)
        if not trainings:
            raise LikerankError(
                f"Sweep {parent.id} has no finished trial{after} ({len(trials)} began); start it again to go "
                "on with it, or name another."
            )
        return _of_one_snapshot(trainings, f"Sweep {parent.id}{after}", parent)
    name = tracking.experiment
    trainings = _finished(tracking.runs({FINGERPRINT: None}, since=started))
    if not trainings:
        raise LikerankError(
            f"The MLflow experiment {name} has no finished training{after}; train first, or name another by "
            "tracking.experiment."
        )
    return _of_one_snapshot(trainings, f"Experiment {name}{after}", None)


def trials_of(tracking: Tracking, parent: Run, since: datetime | None = None) -> list[Run]:
    """Returns a sweep's trials, finished or not, the newest first.

    They are its children, and finished runs of the same configuration that it found and did not train again.
    """
    found = {
        record.id: record
        for tags in ({PARENT: parent.id}, {trial_tag(parent.id): None})
        for record in tracking.runs(tags, since=since, experiment_of=parent)
    }
    return sorted(found.values(), key=lambda record: record.started, reverse=True)


def _named(tracking: Tracking, run_ids: Sequence[str]) -> SelectedRuns:
    if not run_ids:
        raise LikerankError("runs is empty; name at least one run: runs=[RUN,RUN].")
    records = [tracking.run(run_id).as_read() for run_id in dict.fromkeys(run_ids)]
    for record in records:
        if FINGERPRINT not in record.tags:
            raise LikerankError(f"Run {record.id} is no training; name runs that likerank train printed.")
        if record.status != "FINISHED":
            raise LikerankError(
                f"Run {record.id} is {record.status.lower()}; only finished runs can be compared."
            )
    by_fingerprint: dict[str, list[str]] = {}
    for record in records:
        by_fingerprint.setdefault(record.tags[FINGERPRINT], []).append(record.id)
    if len(by_fingerprint) > 1:
        apart = "; ".join(f"{', '.join(ids)} of {snapshot}" for snapshot, ids in by_fingerprint.items())
        raise LikerankError(f"Only runs on one snapshot can be compared, and these are on several: {apart}.")
    records.sort(key=lambda record: record.started, reverse=True)
    title = f"Run {records[0].id}" if len(records) == 1 else f"{len(records)} runs"
    return SelectedRuns(records, records[0].tags[FINGERPRINT], title, named=True)


def _finished(records: list[Run]) -> list[Run]:
    """Returns the trainings among them that finished and ranked validation: no sweep's parent, no folds."""
    return [
        record
        for record in records
        if record.status == "FINISHED"
        and FINGERPRINT in record.tags
        and SWEEP not in record.tags
        and record.params.get("evaluation.folds", "null") == "null"
    ]


def _of_one_snapshot(records: list[Run], title: str, sweep: Run | None) -> SelectedRuns:
    fingerprint = records[0].tags[FINGERPRINT]
    alike = [record for record in records if record.tags[FINGERPRINT] == fingerprint]
    others = len(records) - len(alike)
    notes = [
        f"Left out: {others} {'run' if others == 1 else 'runs'} on other snapshots; {fingerprint} is the "
        "newest run's."
    ]
    return SelectedRuns(alike, fingerprint, title, sweep=sweep, notes=notes if others else [])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LikerankError(
            f"since is {text}; give a date or a time in UTC, such as 2026-11-01 or 2026-11-01T18:30."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
