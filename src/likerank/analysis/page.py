"""An analysis of posts as files: one self-contained page, its figures, its numbers."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from likerank.reports.page import render_page
from likerank.reports.style import as_png, as_svg


@dataclass(frozen=True)
class PageFigure:
    """A figure with the name of its files, without an ending, and its caption."""

    name: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        heading: The heading.
        sentences: Paragraphs.
        figures: Figures below them.
        table: Rows of a table between them, by heading; the first row has all headings, and the columns
            between the first and the last are numbers.
        answer: The section's main sentence, which is also at the top of the page.
        numbers: The section's part of analysis.json.
    """

    heading: str
    sentences: Sequence[str] = ()
    figures: Sequence[PageFigure] = ()
    table: Sequence[Mapping[str, str]] = ()
    answer: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def write_analysis(folder: Path, title: str, notes: Sequence[str], sections: Sequence[Section]) -> list[Path]:
    """Writes the page with notes below its title, each figure as PNG and SVG, and the numbers as JSON.

    The folder is created where it is missing.

    Returns:
        The files, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "analysis.html", folder / "analysis.json"]
    pictures: dict[str, str] = {}
    for each in (figure for section in sections for figure in section.figures):
        png = as_png(each.figure)
        pictures[each.name] = b64encode(png).decode()
        files += [folder / f"{each.name}.png", folder / f"{each.name}.svg"]
        files[-2].write_bytes(png)
        files[-1].write_text(as_svg(each.figure))
    numbers = {name: value for section in sections for name, value in section.numbers.items()}
    files[1].write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n")
    content = {"title": title, "notes": notes, "sections": sections, "pictures": pictures}
    files[0].write_text(render_page("analysis.html", "likerank.analysis", **content))
    return files
