"""Command refresh: collects, ingests, builds the snapshot and trains when enough is new; for every night."""

import sys
from dataclasses import asdict
from typing import Final

from omegaconf import DictConfig

from likerank.app.compose import stage_configuration
from likerank.app.instantiate import make_group
from likerank.app.paths import Folders, open_tracking
from likerank.app.refresh_summary import INCOMPLETE, LAST, RefreshSummary
from likerank.commands.collect import collect
from likerank.commands.ingest import ingest_configured
from likerank.errors import LikerankError
from likerank.evaluation import Metric
from likerank.evaluation.scoring import find_metric
from likerank.run_names import SUMMARIES
from likerank.training.distributed import received_handover
from likerank.training.refresh_run import only_refresh, refresh_run
from likerank.training.retrain import retrain
from likerank.training.run import fit_beside

_SHOWN_MESSAGES: Final = 20


def refresh(config: DictConfig) -> int:
    """Collects, ingests, builds the snapshot and, when enough is new, trains and challenges the champion.

    An error in one stage is recorded, and the next goes on with what there is. However the refresh ends, a
    summary is written; see `RefreshSummary`.

    Returns:
        The exit status: 0, the collect's 3 or 4, or 1 after any other error.

    Raises:
        LikerankError: If another refresh is running, MLflow does not answer, or a stage cannot be configured.
    """
    if (given := received_handover()) is not None:
        fit_beside(_train_configuration(config), given)
        return 0
    summary, folders = RefreshSummary(), Folders.of(config)
    with summary.written_to(folders.mlruns / SUMMARIES):
        # All stages are configured before the first runs: a mistake shows before anything is collected.
        collecting, ingesting = _collect_configuration(config), _ingest_configuration(config)
        training = _train_configuration(config)
        _refuse_invalid_choices(config, training)
        with only_refresh(folders, summary.started):
            tracking = open_tracking(config)
            with refresh_run(summary, tracking, folders) as run:
                if collecting is not None:
                    with summary.going_on():
                        _collect(collecting, summary)
                with summary.going_on():
                    _ingest(ingesting, summary)
                with summary.going_on():
                    retrain(
                        training,
                        run,
                        tracking,
                        summary,
                        metric=str(config.metric),
                        min_new_posts=config.retrain.min_new_posts,
                    )
    print(f"Refresh {summary.status}: {summary.file} (also {LAST} beside it), run {summary.run}.")
    return summary.exit_status


def _refuse_invalid_choices(config: DictConfig, training: DictConfig) -> None:
    find_metric(str(config.metric), make_group(training, "metrics", Metric))
    least = config.retrain.min_new_posts
    if not isinstance(least, int) or least < 1:
        raise LikerankError(f"retrain.min_new_posts is {least}; it must be a whole number of at least 1.")


def _collect_configuration(config: DictConfig) -> DictConfig | None:
    """Returns the configuration of collect; None where a source is given, which replaces the archive."""
    return stage_configuration("collect", config.collect, config) if config.get("source") is None else None


def _ingest_configuration(config: DictConfig) -> DictConfig:
    ingesting = stage_configuration("ingest", ["source=archive", *config.ingest], config)
    if config.get("source") is None:
        ingesting.source.folder = config.paths.archive
    else:
        ingesting.source = config.source
    return ingesting


def _train_configuration(config: DictConfig) -> DictConfig:
    training = stage_configuration("train", config.train, config)
    training.trainer.enable_progress_bar &= sys.stderr.isatty()  # A log would fill with its steps.
    return training


def _collect(config: DictConfig, summary: RefreshSummary) -> None:
    collected = collect(config)
    summary.collected = {
        "new": collected.new,
        "observed": collected.observed,
        "skipped": dict(collected.skipped),
        "failed": dict(collected.failed),
        "stopped": collected.stopped,
    }
    if collected.exit_status:
        summary.status, summary.exit_status = INCOMPLETE, collected.exit_status


def _ingest(config: DictConfig, summary: RefreshSummary) -> None:
    ingested = ingest_configured(config)
    counts = asdict(ingested.written)
    del counts["refused"]  # They are among the messages.
    summary.ingested = counts | {
        "skipped": dict(ingested.skipped),
        "to_mend": ingested.to_correct,
        "messages": ingested.messages[:_SHOWN_MESSAGES],
    }
