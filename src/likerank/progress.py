"""Progress bars for long work, one look everywhere."""

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
    """Yields the items and shows how many have passed.

    Args:
        items: What to go through.
        description: What is being done, a few words.
        total: How many items there are, where that is known.

    Yields:
        The items, unchanged and in order.
    """
    with progress_bar() as bar:
        task = bar.add_task(description, total=total)
        done = 0
        for item in items:
            yield item
            done += 1
            bar.advance(task)
        bar.update(task, total=done)
