"""The style of all figures: size, fonts, and colours that colour-blind readers can distinguish."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from likerank.evaluation.intervals import Interval
from likerank.evaluation.scoring import ScoreRow

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/).
BLUE, VERMILLION = "#0072B2", "#D55E00"
GREY, BLACK = "#8C8C8C", "#222222"
AMOUNTS = "cividis_r"  # the most is darkest
AUTHORS = "cividis"  # by place among authors, for any number of them
REFERENCE: Final[dict[str, Any]] = {"color": BLACK, "linewidth": 0.8, "linestyle": (0, (4, 3))}
"""The look of a line to compare with, such as chance."""

_LOOK: dict[RcKeyType, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that figures are alike everywhere
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": BLACK,
    "axes.labelcolor": BLACK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "legend.frameon": False,
    "savefig.dpi": 150,
    # The same figure gives the same file, and text remains text.
    "svg.hashsalt": "likerank",
    "svg.fonttype": "none",
}


@contextmanager
def drawing(height: float, width: float = 10.0) -> Iterator[Figure]:
    """Yields an empty figure in the common style, its height and width in inches."""
    with mpl.rc_context(_LOOK):
        yield Figure(figsize=(width, height), layout="constrained", facecolor="white")


def draw_interval(
    axes: Axes, found: Interval | ScoreRow, place: float, colour: str, width: float = 1.6, dot: float = 5
) -> None:
    """Draws an estimate as a dot at a height, and its interval as a line, as far as they are known."""
    if found.estimate is None:
        return
    if width and found.low is not None and found.high is not None:
        ends = [found.low, found.high]
        axes.plot(ends, [place, place], color=colour, linewidth=width, solid_capstyle="butt")
    axes.plot([found.estimate], [place], "o", color=colour, markersize=dot)


def label_rows(axes: Axes, labels: Sequence[str], beside: Sequence[Axes] = ()) -> None:
    """Writes a label beside each row, the first one at the top, on axes that share them with others."""
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    for each in (axes, *beside):
        each.grid(axis="x")
        each.tick_params(axis="y", length=0)


def as_svg(figure: Figure) -> str:
    """Returns a figure as an `<svg>` element for a page."""
    written = io.StringIO()
    with mpl.rc_context(_LOOK):
        _lay_out_once(figure)
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    return svg[svg.index("<svg") :]


def as_png(figure: Figure) -> bytes:
    """Returns a figure as a PNG file's bytes, 150 dots an inch."""
    written = io.BytesIO()
    with mpl.rc_context(_LOOK):
        _lay_out_once(figure)
        figure.savefig(written, format="png")
    return written.getvalue()


def _lay_out_once(figure: Figure) -> None:
    """Sets the places of a figure's axes; matplotlib would find them anew, twice, for each file."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine(None)


def plain(text: str, most: int = 24) -> str:
    """Returns a text as a label: shortened, with dollar signs escaped, which would start a formula."""
    return shortened(text, most).replace("$", r"\$")


def shortened(text: str, most: int) -> str:
    """Returns the text, cut to at most `most` characters and an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
