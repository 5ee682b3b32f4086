"""A ranking of new photos: on the screen, as CSV, as JSON and as a contact sheet."""

import csv
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from likerank.evaluation.photos import RankedPhoto
from likerank.reports.page import render_page
from likerank.reports.table import print_notes
from likerank.shown_text import cell, printable

_SYNTHETIC = (
    "The model learned from synthetic posts, drawn landscapes with likes by a formula; its scores of real "
    "photos mean nothing."
)
_SHOWN = 30
_FIRST, _WITHIN, _LAST = "╭", "│", "╰"


@dataclass(frozen=True)
class PhotoRanking:
    """New photos that were ranked together.

    Attributes:
        photos: The best first; their names are relative to `folder`.
        unreadable: The reason why a file could not be ranked, by its name.
        folder: The folder that contains all photos.
        model: The URI of the model.
        run_id: The run that trained the model.
        synthetic: Whether the model learned from synthetic posts.
        tie: Two neighbours are a near tie where the chance of their order is below this.
        evidence: Sentences on how well the model ranked validation; none from a model of an older likerank.
    """

    photos: tuple[RankedPhoto, ...]
    unreadable: Mapping[str, str]
    folder: str
    model: str
    run_id: str
    synthetic: bool
    tie: float
    evidence: tuple[str, ...] = ()

    def notes(self, tie_mark: str) -> Iterator[str]:
        """Yields an explanation of each number and of the mark of near ties."""
        yield (
            "Percentile: how many of a hundred training posts score at most as high. Score: the model's "
            "prediction, on the scale of its target."
        )
        yield (
            "Beats next: the chance that the photo gets more likes than the next one if one author posts "
            "both; learned from pairs of validation posts."
        )
        if any(photo.ties_with_next for photo in self.photos):
            yield f"{tie_mark} Near ties: that chance is under {self.tie:.0%}, so their order says little."
        yield from self.evidence


def tie_brackets(photos: Sequence[RankedPhoto]) -> list[str]:
    """Returns each photo's part of the bracket around near ties; empty for photos without one."""
    tied = [photo.ties_with_next for photo in photos]
    parts = {(False, True): _FIRST, (True, True): _WITHIN, (True, False): _LAST, (False, False): ""}
    return [parts[pair] for pair in zip([False, *tied], tied, strict=False)]


def print_photo_ranking(ranking: PhotoRanking, *, console: Console | None = None) -> None:
    """Prints the best 30 photos and an explanation of the columns, on standard output by default."""
    console = console or Console()
    number = len(ranking.photos)
    title = f"{number:,} photo{'s' * (number != 1)} of {ranking.folder}, ranked by {ranking.model}"
    console.print(Text(printable(title), style="bold"))
    table = Table(box=box.SIMPLE, padding=(0, 1), show_edge=False, header_style="dim")
    table.add_column("rank", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("photo", overflow="fold")
    for heading in ("score", "percentile", "beats next"):
        table.add_column(heading, justify="right", no_wrap=True)
    for photo, bracket in zip(ranking.photos[:_SHOWN], tie_brackets(ranking.photos), strict=False):
        chance = "" if photo.beats_next is None else f"{photo.beats_next:.0%}"
        numbers = f"{photo.score:.3f}", str(int(photo.percentile)), chance
        table.add_row(str(photo.rank), bracket, Text(printable(photo.photo)), *numbers)
    console.print(table)
    if number > _SHOWN:
        console.print(f"  and {number - _SHOWN:,} more.", highlight=False)
    console.print()
    print_notes(console, (*ranking.notes(f"{_FIRST} {_LAST}"), *[_SYNTHETIC] * ranking.synthetic))


def write_csv(ranking: PhotoRanking, file: Path) -> None:
    """Writes a line for each ranked photo."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(RankedPhoto)])
        writer.writeheader()
        # ./ stands for the same file, and begins no formula.
        names = (
            f"./{photo.photo}" if cell(photo.photo) != photo.photo else photo.photo
            for photo in ranking.photos
        )
        writer.writerows(
            asdict(photo) | {"photo": name} for photo, name in zip(ranking.photos, names, strict=True)
        )


def write_json(ranking: PhotoRanking, file: Path) -> None:
    """Writes the whole ranking and the files that could not be ranked."""
    file.write_text(json.dumps(asdict(ranking), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_contact_sheet(ranking: PhotoRanking, thumbnails: Sequence[bytes], file: Path) -> None:
    """Writes the best photos as one HTML file that loads nothing else: a card for each JPEG thumbnail."""
    tied = [False, *(photo.ties_with_next for photo in ranking.photos)]
    cards = [
        {"photo": photo, "thumbnail": b64encode(thumbnail).decode(), "tied_before": tied_before}
        for photo, thumbnail, tied_before in zip(ranking.photos, thumbnails, tied, strict=False)
    ]
    page = render_page("contact_sheet.html", ranking=ranking, cards=cards, synthetic_note=_SYNTHETIC)
    file.write_text(page, encoding="utf-8")
