"""Progress bars for long work, with one look everywhere."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")


def progress_bar() -> Progress:
    """Returns a bar on standard error; where that is no terminal, its last state is printed once."""
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yields the items, unchanged and in order, and shows how many have passed.

    Args:
        items: The items.
        description: The work, in a few words.
        total: The number of items, where that is known.
    """
    with progress_bar() as bar:
        task = bar.add_task(description, total=total)
        for item in items:
            yield item
            bar.advance(task)
        bar.update(task, total=bar.tasks[task].completed)
