"""A ranking of new photos: on the screen, as CSV and as JSON."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from likerank.evaluation import RankedPhoto

MADE_NOTE = (
    "The model learned from made posts, drawn landscapes with likes by a formula; what it says of real "
    "photos means nothing."
)
_SHOWN = 30
_FIRST, _WITHIN, _LAST = "╭", "│", "╰"


@dataclass(frozen=True)
class PhotoRanking:
    """New photos that were ranked together, and by what.

    Attributes:
        photos: The best first; their names are relative to `folder`.
        unreadable: Why a file could not be ranked, by its name.
        folder: The folder that all photos lie under.
        model: The URI of the model.
        run_id: The run that trained it.
        made: Whether it learned from made posts.
        tie: Below this chance two neighbours are a near tie.
    """

    photos: tuple[RankedPhoto, ...]
    unreadable: Mapping[str, str]
    folder: str
    model: str
    run_id: str
    made: bool
    tie: float

    def notes(self, tie_mark: str) -> Iterator[str]:
        """Yields what the numbers mean, and the mark of near ties, a sentence or two each."""
        yield (
            "Percentile: how many of a hundred training posts score at most as high. Score: what the model "
            "says, on the scale of its target."
        )
        yield (
            "Beats next: the chance that it is liked more than the one after it, were both posted by one "
            "author; learned from pairs of validation posts."
        )
        if any(photo.ties_with_next for photo in self.photos):
            yield f"{tie_mark} Near ties: that chance is under {self.tie:.0%}, so their order says little."


def tie_brackets(photos: Sequence[RankedPhoto]) -> list[str]:
    """Returns for each photo its part of the bracket that holds near ties together; empty for the others."""
    brackets = []
    tied_before = False
    for photo in photos:
        part = {(False, True): _FIRST, (True, True): _WITHIN, (True, False): _LAST}
        brackets.append(part.get((tied_before, photo.ties_with_next), ""))
        tied_before = photo.ties_with_next
    return brackets


def print_photo_ranking(ranking: PhotoRanking, *, console: Console | None = None) -> None:
    """Prints the best 30 photos and what the columns mean.

    Args:
        ranking: What to print.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    number = len(ranking.photos)
    title = f"{number:,} photo{'s' * (number != 1)} of {ranking.folder}, ranked by {ranking.model}"
    console.print(Text(title, style="bold"))
    table = Table(box=box.SIMPLE, padding=(0, 1), show_edge=False, header_style="dim")
    table.add_column("rank", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("photo", overflow="fold")
    for heading in ("score", "percentile", "beats next"):
        table.add_column(heading, justify="right", no_wrap=True)
    for photo, bracket in zip(ranking.photos[:_SHOWN], tie_brackets(ranking.photos), strict=False):
        chance = "" if photo.beats_next is None else f"{photo.beats_next:.0%}"
        table.add_row(
            str(photo.rank),
            bracket,
            Text(photo.photo),
            f"{photo.score:.3f}",
            str(int(photo.percentile)),
            chance,
        )
    console.print(table)
    if number > _SHOWN:
        console.print(f"  and {number - _SHOWN:,} more.", highlight=False)
    console.print()
    for note in (*ranking.notes(f"{_FIRST} {_LAST}"), *[MADE_NOTE][: int(ranking.made)]):
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 1)))


def write_csv(ranking: PhotoRanking, file: Path) -> None:
    """Writes a line for each ranked photo."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(RankedPhoto)])
        writer.writeheader()
        writer.writerows(asdict(photo) for photo in ranking.photos)


def write_json(ranking: PhotoRanking, file: Path) -> None:
    """Writes all that there is to say, the files that could not be ranked among it."""
    file.write_text(json.dumps(asdict(ranking), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
