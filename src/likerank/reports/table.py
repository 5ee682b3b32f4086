"""The table of scores on the screen: nearby, within an author and across authors, side by side."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from likerank.evaluation import ScoreTable
from likerank.evaluation.intervals import Interval
from likerank.evaluation.scopes import ACROSS, NEARBY, WITHIN
from likerank.evaluation.scoring import ScoreRow
from likerank.reports.reading import CONTROLS, TRUTHS, leading_row, reading_in_words

SCOPES = {NEARBY: "nearby", WITHIN: "within an author", ACROSS: "across authors"}
ABSENT = "-"
_MARGIN, _SKILL = "±", "(skill)"  # columns of the leading metric; no metric may have these names


class _Layout:
    """A table's cells by predictor, scope and metric, and its columns' headings by metric."""

    def __init__(self, table: ScoreTable) -> None:
        lead, *others = table.shown
        self.lead = lead
        self.cells = {(row.predictor, row.scope, row.metric): row for row in table.rows}
        self.headings = {lead.name: lead.label, _MARGIN: _MARGIN}
        self.headings |= {words.name: words.label for words in others} | {_SKILL: "skill"}
        predictors = list(dict.fromkeys(row.predictor for row in table.rows))
        # Predictors by what they see: the picture, something else, the truth.
        self.pictures = [name for name in predictors if name not in CONTROLS | TRUTHS]
        self.controls = [name for name in predictors if name in CONTROLS]
        self.truths = [name for name in predictors if name in TRUTHS]

    def value(self, name: str, scope: str, column: str) -> float | None:
        row = self.cells.get((name, scope, self.lead.name if column in (_MARGIN, _SKILL) else column))
        if row is None or row.estimate is None:
            return None
        return margin(row) if column == _MARGIN else row.skill if column == _SKILL else row.estimate

    def chance(self, scope: str, column: str) -> float | None:
        return next((row.chance for key, row in self.cells.items() if key[1:] == (scope, column)), None)

    def best(self, scope: str, column: str) -> set[str]:
        """Returns the predictors with the highest printed score; none where all are the same."""
        values = {name: self.value(name, scope, column) for name in (*self.pictures, *self.controls)}
        printed = {name: round(value, 3) for name, value in values.items() if value is not None}
        highest = {name for name, value in printed.items() if value == max(printed.values())}
        return set() if column == _MARGIN or len(highest) == len(printed) else highest


def predictor_name(name: str) -> str:
    """Returns a predictor's name for people to read."""
    return TRUTHS.get(name, name)


def margin(found: Interval | ScoreRow) -> float | None:
    """Returns half the width of an interval; one that ends at the metric's limit is cut on that side only."""
    if found.estimate is None or found.low is None or found.high is None:
        return None
    return max(found.estimate - found.low, found.high - found.estimate)


def print_score_table(
    table: ScoreTable, *, title: str, caption: Sequence[str] = (), console: Console | None = None
) -> None:
    """Prints each predictor's scores beside chance and ceiling, and an explanation of the columns.

    The scopes are side by side where the screen is wide enough, else one below the other.

    Args:
        table: The scores of one split.
        title: The posts that were scored, on one line.
        caption: Lines to print below the table.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    layout = _Layout(table)
    console.print(Text(title, style="bold"))
    scopes = scopes_of(table)
    side_by_side = Table.grid(padding=(0, 3, 0, 0))
    side_by_side.add_row(*(_scores(layout, scope, names=scope == scopes[0]) for scope in scopes))
    unlimited = console.options.update(max_width=1000)
    if console.measure(side_by_side, options=unlimited).maximum <= console.width:
        console.print(side_by_side)
    else:
        for scope in scopes:
            console.print(_scores(layout, scope, names=True), "")
    console.print()
    notes = (
        metrics_in_words(table),
        headline_in_words(table),
        *bands_in_words(table),
        *reading_in_words(table),
        *([table.ceiling] if table.ceiling else []),
        *_predictors_in_words(layout),
        *_scored(layout, scopes),
    )
    print_notes(console, (*notes, *caption))


def scopes_of(table: ScoreTable) -> list[str]:
    """Returns the scopes of a table, the one that it leads with first."""
    there = {row.scope for row in table.rows}
    return sorted((scope for scope in SCOPES if scope in there), key=lambda scope: scope != table.headline)


def headline_in_words(table: ScoreTable) -> str:
    """Says which scope the table leads with, and what the scopes are."""
    if table.headline == NEARBY:
        return (
            f"The headline is nearby: posts of one author at most {table.days:g} days apart, their likes "
            "relative to what was usual for the author then, so that only the picture tells them apart. "
            "Within an author the year counts as well, across authors who posted."
        )
    if table.days is not None:
        return (
            "The headline is within an author, since fewer than a tenth of the posts have another of their "
            f"author's at most {table.days:g} days away; evaluation.days or more posts help."
        )
    return "The headline is within an author, since fewer than half of the posts have dates."


def bands_in_words(table: ScoreTable) -> Iterable[str]:
    """Yields one line: pairs that the first predictor ranks rightly, by how much their counts differ."""
    lead = leading_row(table)
    if lead is None or lead.estimate is None:
        return
    bands = {words.name: words.label.rpartition(" ")[2] for words in table.metrics}
    parts = [
        f"{bands.get(row.metric, row.metric)} {_with_interval(row)}"
        for row in table.rows
        if (row.predictor, row.scope) == (lead.predictor, lead.scope)
        and row.metric.startswith(f"{lead.metric}_")
        and row.estimate is not None
    ]
    yield (
        f"Pairs of {lead.predictor}, {SCOPES[lead.scope]}, by how many times the likes of the one are those "
        f"of the other: {', '.join([f'all {_with_interval(lead)}', *parts])}."
    )


def _with_interval(row: ScoreRow) -> str:
    if row.low is None or row.high is None:
        return dotted(row.estimate)
    return f"{dotted(row.estimate)} ({dotted(row.low)} to {dotted(row.high)})"


def print_notes(console: Console, lines: Iterable[str]) -> None:
    """Prints explanations below a table."""
    for line in lines:
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def _scores(layout: _Layout, scope: str, *, names: bool) -> Table:
    title = Text(SCOPES[scope], style="bold")
    shown = Table(
        title=title, title_justify="left", box=box.SIMPLE, padding=0, show_edge=False, header_style="dim"
    )
    if names:
        shown.add_column("", no_wrap=True)
    for heading in layout.headings.values():
        shown.add_column(heading, justify="right", no_wrap=True)
    best = {column: layout.best(scope, column) for column in layout.headings}
    chance = [dotted(layout.chance(scope, column)) for column in layout.headings]
    shown.add_row(*["chance"][: int(names)], *chance, style="dim", end_section=True)
    for block in (layout.pictures, layout.controls, layout.truths):
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


def metrics_in_words(table: ScoreTable) -> str:
    """Explains the columns; metrics with one sentence share it."""
    labels: dict[str, list[str]] = {}
    for place, words in enumerate(table.shown):
        sentence = words.sentence if place else f"{words.sentence}, ± half its 95 % interval"
        labels.setdefault(sentence, []).append(words.label)
    return " ".join(f"{', '.join(named)}: {sentence}." for sentence, named in labels.items() if sentence)


def _predictors_in_words(layout: _Layout) -> Iterable[str]:
    seen = [f"{', '.join(layout.pictures)} the picture only"] if layout.pictures else []
    seen += [f"{name} {CONTROLS[name]}" for name in layout.controls]
    if seen:
        yield f"Who sees what: {'; '.join(seen)}."
    if layout.truths:
        yield (
            "The ceiling is the truth of synthetic posts, appeal of one author's and appeal+audience "
            f"across; skill = ({layout.lead.label} - chance) / (ceiling - chance)."
        )


def _scored(layout: _Layout, scopes: Iterable[str]) -> Iterable[str]:
    """Says how many posts were scored, and why a score is absent."""
    first = {key[1:]: row for key, row in reversed(layout.cells.items())}
    for scope in scopes:
        label = SCOPES[scope]
        scored = {
            heading: row.note or f"{_some(row.posts, 'post')} of {_some(row.authors, 'author')}"
            for column, heading in layout.headings.items()
            if (row := first.get((scope, column)))
        }
        usual = scored.get(layout.lead.label, "")
        yield f"Scored {label}: {usual}."
        yield from (f"  {heading}: {what}." for heading, what in scored.items() if what != usual)


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
