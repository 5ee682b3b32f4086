"""An analysis of posts as files: one self-contained page, its figures, its numbers."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from likerank.reports.page import render_page
from likerank.reports.style import as_png, as_svg

PAGE, NUMBERS = "analysis.html", "analysis.json"


@dataclass(frozen=True)
class PageFigure:
    """A figure with its place.

    Attributes:
        name: Its files' name, without an ending.
        title: What it shows, in words: the figure's caption.
        figure: The drawing.
    """

    name: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class PageTable:
    """A table.

    Attributes:
        head: The columns' headings; columns after the first that hold numbers are set to the right.
        rows: As many cells each as there are headings.
        numbers: Which columns hold numbers.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        heading: Its heading.
        sentences: What is to be said, a paragraph each.
        figures: Its figures.
        table: Its table, if there is one.
        answer: The one sentence that the section is there for; also at the top of the page.
        numbers: What analysis.json keeps of it.
    """

    heading: str
    sentences: Sequence[str] = ()
    figures: Sequence[PageFigure] = ()
    table: PageTable | None = None
    answer: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def write_analysis(folder: Path, title: str, notes: Sequence[str], sections: Sequence[Section]) -> list[Path]:
    """Writes the page, each figure as PNG and SVG, and the numbers as JSON.

    Args:
        folder: Where to; made where it is missing.
        title: Whose posts these are.
        notes: Sentences below the title.
        sections: The parts, in order.

    Returns:
        The files, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / PAGE, folder / NUMBERS]
    pictures: dict[str, str] = {}
    for each in (figure for section in sections for figure in section.figures):
        png = as_png(each.figure)
        pictures[each.name] = b64encode(png).decode()
        files += [folder / f"{each.name}.png", folder / f"{each.name}.svg"]
        files[-2].write_bytes(png)
        files[-1].write_text(as_svg(each.figure))
    numbers = {name: value for section in sections for name, value in section.numbers.items()}
    files[1].write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n")
    files[0].write_text(
        render_page(
            "analysis.html",
            "likerank.analysis",
            title=title,
            notes=notes,
            sections=sections,
            pictures=pictures,
        )
    )
    return files
