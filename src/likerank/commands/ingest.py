"""Stage ingest: a source's posts and authors go into the store."""

from hydra.utils import instantiate
from omegaconf import DictConfig

from likerank.app.paths import open_opt_out_list, open_store
from likerank.errors import LikerankError
from likerank.reports.unreadable import print_unreadable
from likerank.shown_text import printable
from likerank.store import IngestSummary, ingest_source
from likerank.store.ingest import OPTED_OUT


def ingest(config: DictConfig) -> IngestSummary:
    """Writes a source's records into the store and prints a summary.

    Raises:
        LikerankError: If the source has neither posts nor authors, or if records were left out that the
            user can correct; the others are in the store then.
    """
    summary = ingest_configured(config)
    if number := summary.to_correct:
        raise LikerankError(
            f"{number} record{'s were' if number > 1 else ' was'} left out, whole or in part, for the "
            "reasons above; all others are in the store."
        )
    return summary


def ingest_configured(config: DictConfig) -> IngestSummary:
    """Writes and prints as `ingest` does, but accepts that records were left out.

    Raises:
        LikerankError: If none can be used, or the source cannot be read.
    """
    if config.get("source") is None:
        raise LikerankError(
            "No source is named; add source=archive, source=demo, source=export or source=table."
        )
    with open_store(config) as store:
        summary = ingest_source(
            instantiate(config.source),
            store,
            image_size=config.image_size,
            workers=config.workers,
            opted_out=open_opt_out_list(config),
        )
    _print_summary(summary)
    if not summary.written.posts and not summary.written.authors and not summary.skipped[OPTED_OUT.reason]:
        name = config.source._target_.rsplit(".", 1)[-1].lower()
        raise LikerankError(
            f"The source {name} has neither posts nor authors that can be used; check its folder or manifest."
        )
    return summary


def _print_summary(summary: IngestSummary) -> None:
    print_unreadable(summary.messages, most=20, number=summary.to_correct)
    print(f"Store: {summary.written}")
    if summary.skipped:
        reasons = ", ".join(f"{number} {reason}" for reason, number in summary.skipped.most_common())
        print(f"Skipped: {printable(reasons)}")
