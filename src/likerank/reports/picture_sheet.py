"""Posts' pictures in rows on a figure, with a text below each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from likerank.reports.style import GREY, drawing, plain

Picture = NDArray[np.uint8]

_ROW = 1.65  # a row's height, in pictures
_GAP = 0.3  # between left and right, in pictures
_SIDE = 0.97  # inches of a picture


class SheetRow(NamedTuple):
    """A row's heading, and pictures with the text below each: the best first, and the worst last."""

    label: str
    left: Sequence[tuple[Picture | None, str]]
    right: Sequence[tuple[Picture | None, str]]


def contact_sheet_figure(rows: Sequence[SheetRow], note: str) -> Figure:
    """Draws rows of pictures, some on the left and some on the right, below a note; at least one row."""
    left = max(len(row.left) for row in rows)
    # At least ten, or few pictures would be as large as the page.
    columns = max(10 + _GAP, left + _GAP + max(len(row.right) for row in rows))
    with drawing(0.3 + _SIDE * _ROW * len(rows), _SIDE * columns) as figure:
        # One axes for all: laying out a hundred takes seconds.
        axes = figure.subplots()
        axes.set_axis_off()
        for line, row in enumerate(rows):
            top = line * _ROW
            axes.text(0.04, top + 0.2, plain(row.label, 120), fontsize=9, weight="bold", va="bottom")
            places = [*range(len(row.left)), *(left + _GAP + place for place in range(len(row.right)))]
            for place, (picture, text) in zip(places, [*row.left, *row.right], strict=True):
                axes.text(place + 0.5, top + 0.6, text, fontsize=7, ha="center", va="bottom", linespacing=1.1)
                if picture is None:
                    axes.text(place + 0.5, top + 1.1, "no picture", color=GREY, ha="center", fontsize=7)
                    continue
                high, wide = (side / max(picture.shape) * 0.47 for side in picture.shape[:2])
                box = (place + 0.5 - wide, place + 0.5 + wide, top + 1.12 + high, top + 1.12 - high)
                axes.imshow(picture, extent=box)
        axes.set_xlim(0, columns)
        axes.set_ylim(_ROW * len(rows), 0)
        figure.suptitle(note, fontsize=9, x=0.01, ha="left")
    return figure
