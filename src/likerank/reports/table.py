"""The table of scores on the screen: within an author and across authors, side by side."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from likerank.evaluation import ACROSS, TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE, WITHIN, ScoreRow, ScoreTable

_PAIRS, _MARGIN, _SKILL = "pairwise", "margin", "skill"
_COLUMNS = {
    _PAIRS: "pairs",
    _MARGIN: "±",
    "position_match_2": "of 2",
    "position_match_5": "of 5",
    "position_match_10": "of 10",
    "spearman": "rho",
    "kendall": "tau",
    "ndcg": "ndcg",
    _SKILL: "skill",
}
_SCOPES = {WITHIN: "within an author", ACROSS: "across authors"}
_CONTROLS = {"author_mean": "who posted", "mean": "nothing"}
_TRUTHS = {TRUTH_APPEAL: "appeal", TRUTH_APPEAL_AUDIENCE: "appeal+audience"}
ABSENT = "-"

_Cells = dict[tuple[str, str, str], ScoreRow]


def predictor_name(name: str) -> str:
    """Returns what a predictor is called where people read it."""
    return _TRUTHS.get(name, name)


def print_score_table(
    table: ScoreTable, *, title: str, caption: Sequence[str] = (), console: Console | None = None
) -> None:
    """Prints how well each predictor ranks, beside chance and ceiling, and what the columns mean.

    The two scopes stand side by side where the screen is wide enough (120 columns), else one below the other.

    Args:
        table: The scores of one split.
        title: What was scored, on one line.
        caption: Lines to stand below the table, such as what the posts are.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    cells = {(row.predictor, row.scope, row.metric): row for row in table.rows}
    console.print(Text(title, style="bold"))
    side_by_side = Table.grid(padding=(0, 3, 0, 0))
    side_by_side.add_row(*(_scores(cells, scope, names=scope == WITHIN) for scope in _SCOPES))
    unlimited = console.options.update(max_width=1000)
    if console.measure(side_by_side, options=unlimited).maximum <= console.width:
        console.print(side_by_side)
    else:
        for scope in _SCOPES:
            console.print(_scores(cells, scope, names=True), "")
    console.print()
    for line in (*_legend(cells), *_missing(table.rows), *caption):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def _scores(cells: _Cells, scope: str, *, names: bool) -> Table:
    shown = Table(
        title=Text(_SCOPES[scope], style="bold"),
        title_justify="left",
        box=box.SIMPLE,
        padding=0,
        show_edge=False,
        header_style="dim",
    )
    if names:
        shown.add_column("", no_wrap=True)
    for heading in _COLUMNS.values():
        shown.add_column(heading, justify="right", no_wrap=True)
    blocks = _blocks(cells)
    best = _best(cells, scope, [*blocks[0], *blocks[1]])
    chance = [dotted(_chance(cells, scope, column)) for column in _COLUMNS]
    shown.add_row(*["chance"][: int(names)], *chance, style="dim", end_section=True)
    for block in blocks:
        for name in block:
            values = [
                Text(dotted(_value(cells, name, scope, column)), style="bold" * (name in best[column]))
                for column in _COLUMNS
            ]
            label = [predictor_name(name)][: int(names)]
            shown.add_row(*label, *values, end_section=name == block[-1])
    return shown


def _blocks(cells: _Cells) -> tuple[list[str], list[str], list[str]]:
    """Predictors by what they see: the picture, something else, the truth."""
    predictors = list(dict.fromkeys(name for name, _, _ in cells))
    return (
        [name for name in predictors if name not in _CONTROLS | _TRUTHS],
        [name for name in predictors if name in _CONTROLS],
        [name for name in predictors if name in _TRUTHS],
    )


def _value(cells: _Cells, name: str, scope: str, column: str) -> float | None:
    row = cells.get((name, scope, _PAIRS if column in (_MARGIN, _SKILL) else column))
    if row is None or row.estimate is None:
        return None
    if column == _SKILL:
        return row.skill
    if column == _MARGIN:
        # An interval that ends where the metric ends is cut on that side alone.
        return (
            None
            if row.low is None or row.high is None
            else max(row.estimate - row.low, row.high - row.estimate)
        )
    return row.estimate


def _chance(cells: _Cells, scope: str, column: str) -> float | None:
    chances = (row.chance for (_, where, metric), row in cells.items() if (where, metric) == (scope, column))
    return next(chances, None)


def _best(cells: _Cells, scope: str, names: list[str]) -> dict[str, set[str]]:
    """Who has the highest printed score of each column; nobody where all are the same."""
    best: dict[str, set[str]] = {}
    for column in _COLUMNS:
        values = {name: _value(cells, name, scope, column) for name in names}
        printed = {name: round(value, 3) for name, value in values.items() if value is not None}
        highest = {name for name, value in printed.items() if value == max(printed.values())}
        best[column] = set() if column == _MARGIN or len(highest) == len(printed) else highest
    return best


def dotted(value: float | None) -> str:
    """Returns a score as tables on the screen show it: .831, 1.000, or a dash where there is none."""
    if value is None:
        return ABSENT
    text = f"{round(value, 3) + 0.0:.3f}"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def _legend(cells: _Cells) -> Iterable[str]:
    yield (
        "pairs: share of pairs ranked rightly, ± its 95 % interval. of n: how often a post stands at its "
        "true place in a set of n. rho, tau: Spearman, Kendall."
    )
    pictures, controls, truths = _blocks(cells)
    seen = [f"{', '.join(pictures)} the picture alone"] if pictures else []
    seen += [f"{name} {_CONTROLS[name]}" for name in controls]
    if seen:
        yield f"Who sees what: {'; '.join(seen)}."
    if truths:
        yield (
            "The ceiling is the truth of made posts, appeal within an author and appeal+audience across; "
            "skill = (pairs - chance) / (ceiling - chance)."
        )


def _missing(rows: Iterable[ScoreRow]) -> Iterable[str]:
    """Says what was compared, and why a score is absent."""
    first = {(row.scope, row.metric): row for row in reversed(list(rows))}
    for scope, label in _SCOPES.items():
        compared = {
            heading: row.note or f"{_some(row.posts, 'post')} of {_some(row.authors, 'author')}"
            for column, heading in _COLUMNS.items()
            if (row := first.get((scope, column)))
        }
        usual = compared.get(_COLUMNS[_PAIRS], "")
        yield f"Compared {label}: {usual}."
        yield from (f"  {heading}: {what}." for heading, what in compared.items() if what != usual)


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
