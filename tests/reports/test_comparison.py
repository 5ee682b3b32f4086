"""A comparison has the same numbers on the screen, on a page and in a file, with any labels."""

import io
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from likerank.evaluation import Metric
from likerank.evaluation.configurations import Candidate, Comparison, compare_candidates
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.evaluation.position_match import position_match
from likerank.reports.comparison import comparison_figure, comparison_frame, comparison_page, print_comparison
from likerank.reports.style import as_png, as_svg


def comparison_of(
    number: int, label: str = "lr={}", metric: Metric = pairwise_accuracy, *, within: bool = True
) -> Comparison:
    random = np.random.default_rng(0)
    likes, authors = random.normal(size=200), np.repeat(np.arange(10), 20)
    candidates = [
        Candidate(
            label.format(i),
            {seed: (number - i) * likes + number * random.normal(size=200) for seed in (1, 2)},
        )
        for i in range(number)
    ]
    return compare_candidates(metric, likes, candidates, authors if within else None)


def printed(comparison: Comparison, width: int) -> str:
    written = io.StringIO()
    print_comparison(
        comparison,
        title="A sweep",
        caption=["The posts are synthetic."],
        console=Console(file=written, width=width),
    )
    return written.getvalue()


def test_the_screen_fits_into_80_columns_with_every_number() -> None:
    comparison = comparison_of(12, "network=ResidualNet blocks=[32,64,96] lr={}")
    text = printed(comparison, 80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for standing in comparison.standings:
        assert f"{standing.score.estimate:.3f}"[1:] in text
        if standing.behind is not None:
            assert f" to {standing.behind.high:.3f}".replace("0.", ".") in text
    flat = " ".join(text.split())
    assert comparison.verdict in flat
    assert "The posts are synthetic." in flat
    assert "chance .500" in flat


def test_a_page_is_self_contained_and_shows_each_configuration() -> None:
    comparison = comparison_of(4, metric=position_match(5), within=False)
    runs = {each.label: f"run-of-{each.label}" for each in comparison.standings}
    page = comparison_page(comparison, title="A sweep", best_runs=runs)
    assert comparison.verdict in page
    for label, run in runs.items():
        assert f">{label}</td>" in page
        assert run in page
    assert "of 5: how often a post is at its true place in a random set of that many, across authors" in page
    assert not re.search(r"<(script|link|img)|(src|href)=\"(?!#)", page)


def test_labels_are_text_and_never_markup_or_mathematics() -> None:
    comparison = comparison_of(2, "<script>alert({})</script> $x_1$")
    runs = {each.label: "<b>" for each in comparison.standings}
    page = comparison_page(comparison, title="<i>", best_runs=runs)
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "$x_1$" in as_svg(comparison_figure(comparison))


@pytest.mark.parametrize("number", [1, 2, 40])
def test_a_figure_names_axes_and_configurations_without_overlaps(number: int) -> None:
    comparison = comparison_of(
        number, "network=ResidualNet blocks=[32,64,96] dropout=0.25 batch_size=50 lr={}"
    )
    figure = comparison_figure(comparison)
    svg = as_svg(figure)
    ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert "share of pairs ranked rightly, within an author" in svg
    figure.canvas.draw()
    labels = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == number
    assert all(above.y0 >= below.y1 for above, below in pairwise(labels))
    assert all(label.x0 >= 0 for label in labels)


def test_the_same_comparison_draws_the_same_bytes() -> None:
    one, two = (comparison_figure(comparison_of(3)) for _ in range(2))
    assert as_svg(one) == as_svg(two)
    assert as_png(one)[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_file_holds_the_numbers_at_full_precision() -> None:
    comparison = comparison_of(3)
    frame = comparison_frame(comparison, {each.label: ["a", "b"] for each in comparison.standings})
    assert frame["score"].tolist() == [each.score.estimate for each in comparison.standings]
    assert frame["surely_behind"].tolist() == [each.surely_behind for each in comparison.standings]
    assert set(frame["runs"]) == {"a b"}
    assert set(frame["seeds"]) == {"1 2"}
