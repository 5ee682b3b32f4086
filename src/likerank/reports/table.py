"""The table of scores on the screen: within an author and across authors, side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from likerank.evaluation import ACROSS, TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE, WITHIN, ScoreRow, ScoreTable

_MARGIN, _SKILL = "±", "(skill)"  # columns of the leading metric; no metric may have these names
_SCOPES = {WITHIN: "within an author", ACROSS: "across authors"}
_CONTROLS = {"author_mean": "who posted", "mean": "nothing"}
_TRUTHS = {TRUTH_APPEAL: "appeal", TRUTH_APPEAL_AUDIENCE: "appeal+audience"}
ABSENT = "-"


@dataclass(frozen=True)
class _Layout:
    """A table's cells by predictor, scope and metric, and its columns' headings by metric."""

    cells: dict[tuple[str, str, str], ScoreRow]
    headings: dict[str, str]
    lead: str

    @classmethod
    def of(cls, table: ScoreTable) -> "_Layout":
        lead, *others = [words for words in table.metrics if words.shown]
        headings = {words.name: words.label for words in others}
        return cls(
            {(row.predictor, row.scope, row.metric): row for row in table.rows},
            {lead.name: lead.label, _MARGIN: _MARGIN, **headings, _SKILL: "skill"},
            lead.name,
        )

    def value(self, name: str, scope: str, column: str) -> float | None:
        row = self.cells.get((name, scope, self.lead if column in (_MARGIN, _SKILL) else column))
        if row is None or row.estimate is None:
            return None
        if column == _SKILL:
            return row.skill
        if column != _MARGIN:
            return row.estimate
        if row.low is None or row.high is None:
            return None
        # An interval that ends where the metric ends is cut on that side only.
        return max(row.estimate - row.low, row.high - row.estimate)

    def chance(self, scope: str, column: str) -> float | None:
        return next((row.chance for key, row in self.cells.items() if key[1:] == (scope, column)), None)

    def blocks(self) -> tuple[list[str], list[str], list[str]]:
        """Predictors by what they see: the picture, something else, the truth."""
        predictors = list(dict.fromkeys(name for name, _, _ in self.cells))
        return (
            [name for name in predictors if name not in _CONTROLS | _TRUTHS],
            [name for name in predictors if name in _CONTROLS],
            [name for name in predictors if name in _TRUTHS],
        )

    def best(self, scope: str, names: list[str], column: str) -> set[str]:
        """Returns the predictors with the highest printed score; none where all are the same."""
        values = {name: self.value(name, scope, column) for name in names}
        printed = {name: round(value, 3) for name, value in values.items() if value is not None}
        highest = {name for name, value in printed.items() if value == max(printed.values())}
        return set() if column == _MARGIN or len(highest) == len(printed) else highest


def predictor_name(name: str) -> str:
    """Returns a predictor's name for people to read."""
    return _TRUTHS.get(name, name)


def print_score_table(
    table: ScoreTable, *, title: str, caption: Sequence[str] = (), console: Console | None = None
) -> None:
    """Prints each predictor's scores beside chance and ceiling, and an explanation of the columns.

    The two scopes are side by side where the screen is wide enough (120 columns), else one below the other.

    Args:
        table: The scores of one split.
        title: The posts that were scored, on one line.
        caption: Lines to print below the table.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    layout = _Layout.of(table)
    console.print(Text(title, style="bold"))
    side_by_side = Table.grid(padding=(0, 3, 0, 0))
    side_by_side.add_row(*(_scores(layout, scope, names=scope == WITHIN) for scope in _SCOPES))
    unlimited = console.options.update(max_width=1000)
    if console.measure(side_by_side, options=unlimited).maximum <= console.width:
        console.print(side_by_side)
    else:
        for scope in _SCOPES:
            console.print(_scores(layout, scope, names=True), "")
    console.print()
    for line in (_metrics_in_words(table), *_predictors_in_words(layout), *_scored(layout), *caption):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def _scores(layout: _Layout, scope: str, *, names: bool) -> Table:
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
    for heading in layout.headings.values():
        shown.add_column(heading, justify="right", no_wrap=True)
    blocks = layout.blocks()
    best = {column: layout.best(scope, [*blocks[0], *blocks[1]], column) for column in layout.headings}
    chance = [dotted(layout.chance(scope, column)) for column in layout.headings]
    shown.add_row(*["chance"][: int(names)], *chance, style="dim", end_section=True)
    for block in blocks:
        for name in block:
            values = [
                Text(dotted(layout.value(name, scope, column)), style="bold" * (name in best[column]))
                for column in layout.headings
            ]
            label = [predictor_name(name)][: int(names)]
            shown.add_row(*label, *values, end_section=name == block[-1])
    return shown


def dotted(value: float | None) -> str:
    """Returns a score as tables on the screen show it: .831, 1.000, or a dash where there is none."""
    if value is None:
        return ABSENT
    text = f"{round(value, 3) + 0.0:.3f}"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def _metrics_in_words(table: ScoreTable) -> str:
    """Explains the columns; metrics with one sentence share it."""
    lead, *_ = shown = [words for words in table.metrics if words.shown]
    labels: dict[str, list[str]] = {}
    for words in shown:
        sentence = f"{words.sentence}, ± half its 95 % interval" if words is lead else words.sentence
        labels.setdefault(sentence, []).append(words.label)
    return " ".join(f"{', '.join(named)}: {sentence}." for sentence, named in labels.items() if sentence)


def _predictors_in_words(layout: _Layout) -> Iterable[str]:
    pictures, controls, truths = layout.blocks()
    seen = [f"{', '.join(pictures)} the picture alone"] if pictures else []
    seen += [f"{name} {_CONTROLS[name]}" for name in controls]
    if seen:
        yield f"Who sees what: {'; '.join(seen)}."
    if truths:
        lead = layout.headings[layout.lead]
        yield (
            "The ceiling is the truth of synthetic posts, appeal within an author and appeal+audience "
            f"across; skill = ({lead} - chance) / (ceiling - chance)."
        )


def _scored(layout: _Layout) -> Iterable[str]:
    """Says how many posts were scored, and why a score is absent."""
    first = {key[1:]: row for key, row in reversed(layout.cells.items())}
    for scope, label in _SCOPES.items():
        scored = {
            heading: row.note or f"{_some(row.posts, 'post')} of {_some(row.authors, 'author')}"
            for column, heading in layout.headings.items()
            if (row := first.get((scope, column)))
        }
        usual = scored.get(layout.headings[layout.lead], "")
        yield f"Scored {label}: {usual}."
        yield from (f"  {heading}: {what}." for heading, what in scored.items() if what != usual)


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
