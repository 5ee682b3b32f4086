"""The deletion of a person's data on the screen: what is removed, and what stays."""

from collections.abc import Collection, Mapping

from rich.console import Console
from rich.table import Table

from likerank.collecting.forgetting import ArchiveRemoval
from likerank.dataset.forgetting import AffectedSnapshot
from likerank.store.forgetting import ForgetCounts
from likerank.tracking.run_redaction import RunRemoval


def print_removed(
    archive: ArchiveRemoval, store: ForgetCounts, snapshots: Collection[AffectedSnapshot], runs: RunRemoval
) -> None:
    """Prints the number of removed items by place."""
    blanked = [each.posts for each in snapshots if each.posts]
    damaged = sum(each.deleted for each in snapshots)
    places = {
        "archive": [
            _counted(archive.posts, "post"),
            _counted(archive.pictures, "picture"),
            _counted(archive.files, "file"),
            _counted(archive.observations, "observation"),
        ],
        "store": [
            _counted(store.authors, "author"),
            _counted(store.posts, "post"),
            _counted(store.observations, "observation"),
        ],
        "snapshots": [
            f"{_counted(sum(blanked), 'post')} in {_counted(len(blanked), 'snapshot')}, now unusable",
            *([f"{_counted(damaged, 'damaged snapshot')} as a whole"] if damaged else []),
        ],
        "runs": [
            _counted(runs.counts["predictions"], "prediction"),
            _counted(runs.counts["means"], "mean") + " of likes",
            _counted(runs.counts["baselines"], "folder") + " of baselines",
            _counted(runs.counts["log_lines"], "line") + " of logs",
            _counted(runs.counts["figures"], "figure"),
            _counted(runs.counts["analyses"], "file") + " of analyses",
        ],
    }
    table = Table(title="Removed", title_justify="left", box=None, show_header=False)
    for place, removed in places.items():
        table.add_row(place, ", ".join(removed))
    Console(soft_wrap=True).print(table)


def print_remaining(trained: Mapping[str, str], champion: str | None) -> None:
    """Prints what cannot be undone, given the status of each run that was trained on the author's posts."""
    print("What cannot be undone:")
    if trained:
        shown = list(trained)[:20]
        more = f" and {len(trained) - len(shown)} more" if len(trained) > len(shown) else ""
        print(f"- Models trained on the deleted posts keep what they learned: run {', '.join(shown)}{more}.")
        if champion in trained:
            print(f"  The champion, run {champion}, is one of them.")
        print("  Train again (likerank train), promote the new one, and delete the old runs in MLflow.")
    if running := [run_id for run_id, status in trained.items() if status == "RUNNING"]:
        print(f"- Run {', '.join(running)} may still be training on them: stop it, then run this again.")
    print(
        "- Copies elsewhere: exports, backups, compressed logs, other archives, other people's posts that "
        "name the author, rankings of the author's photos, the list of accounts; and disk space that "
        "databases have freed but not overwritten."
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
