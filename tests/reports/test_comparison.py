"""A comparison has the same numbers on the screen, on a page and in a file, with any labels."""

import io
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from likerank.evaluation import Candidate, Comparison, compare_candidates, pairwise_accuracy
from likerank.reports import comparison_page, print_ranking, ranking_frame
from likerank.reports.comparison import ranking_figure
from likerank.reports.style import as_png, as_svg


def ranking_of(number: int, label: str = "lr={}") -> Comparison:
    random = np.random.default_rng(0)
    likes, authors = random.normal(size=200), np.repeat(np.arange(10), 20)
    candidates = [
        Candidate(
            label.format(i),
            {seed: (number - i) * likes + number * random.normal(size=200) for seed in (1, 2)},
        )
        for i in range(number)
    ]
    return compare_candidates(pairwise_accuracy, likes, candidates, authors)


def printed(ranking: Comparison, width: int) -> str:
    written = io.StringIO()
    print_ranking(
        ranking,
        title="A sweep",
        metric="within/pairwise",
        caption=["The posts are synthetic."],
        console=Console(file=written, width=width),
    )
    return written.getvalue()


def test_the_screen_fits_into_80_columns_with_every_number() -> None:
    ranking = ranking_of(12, "network=ResidualNet blocks=[32,64,96] lr={}")
    text = printed(ranking, 80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for standing in ranking.standings:
        assert f"{standing.score.estimate:.3f}"[1:] in text
        if standing.behind is not None:
            assert f" to {standing.behind.high:.3f}".replace("0.", ".") in text
    flat = " ".join(text.split())
    assert ranking.verdict in flat
    assert "The posts are synthetic." in flat
    assert "chance .500" in flat


def test_a_page_is_self_contained_and_shows_each_configuration() -> None:
    ranking = ranking_of(4)
    runs = {each.label: f"run-of-{each.label}" for each in ranking.standings}
    page = comparison_page(ranking, title="A sweep", metric="across/position_match_5", best_runs=runs)
    assert ranking.verdict in page
    for label, run in runs.items():
        assert f">{label}</td>" in page
        assert run in page
    assert "share of posts at their true place in sets of 5, across authors" in page
    assert not re.search(r"<(script|link|img)|(src|href)=\"(?!#)", page)


def test_labels_are_text_and_never_markup_or_mathematics() -> None:
    ranking = ranking_of(2, "<script>alert({})</script> $x_1$")
    runs = {each.label: "<b>" for each in ranking.standings}
    page = comparison_page(ranking, title="<i>", metric="within/pairwise", best_runs=runs)
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "$x_1$" in as_svg(ranking_figure(ranking, "within/pairwise"))


@pytest.mark.parametrize("number", [1, 2, 40])
def test_a_figure_names_axes_and_configurations_without_overlaps(number: int) -> None:
    ranking = ranking_of(number, "network=ResidualNet blocks=[32,64,96] dropout=0.25 batch_size=50 lr={}")
    figure = ranking_figure(ranking, "within/pairwise")
    svg = as_svg(figure)
    ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert "share of pairs ranked rightly, within an author" in svg
    figure.canvas.draw()
    labels = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == number
    assert all(above.y0 >= below.y1 for above, below in pairwise(labels))
    assert all(label.x0 >= 0 for label in labels)


def test_the_same_comparison_draws_the_same_bytes() -> None:
    one, two = (ranking_figure(ranking_of(3), "within/pairwise") for _ in range(2))
    assert as_svg(one) == as_svg(two)
    assert as_png(one)[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_file_holds_the_numbers_at_full_precision() -> None:
    ranking = ranking_of(3)
    frame = ranking_frame(ranking, {each.label: ["a", "b"] for each in ranking.standings})
    assert frame["score"].tolist() == [each.score.estimate for each in ranking.standings]
    assert frame["surely_behind"].tolist() == [each.surely_behind for each in ranking.standings]
    assert set(frame["runs"]) == {"a b"}
    assert set(frame["seeds"]) == {"1 2"}
