"""Items that were left out because they could not be read, on standard error."""

from collections.abc import Collection
from itertools import islice

from rich.console import Console

from likerank.shown_text import printable


def print_unreadable(reasons: Collection[str], most: int | None = None, number: int | None = None) -> None:
    """Prints the reasons, at most so many of them and the number of the others, of `number` in all."""
    console = Console(stderr=True, soft_wrap=True)
    for reason in islice(reasons, most):
        console.print(f"  left out: {printable(reason)}", markup=False, highlight=False)
    number = len(reasons) if number is None else number
    if most is not None and number > most:
        console.print(f"  and {number - most:,} more.")
