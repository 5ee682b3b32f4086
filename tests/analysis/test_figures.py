"""Each figure of an analysis shows the numbers that it was given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from likerank.analysis.figures.age import age_figure, observation_window_figure
from likerank.analysis.figures.authors import authors_figure, left_out_figure, over_time_figure
from likerank.analysis.figures.pictures import before_after_figure, mean_pictures_figure, traits_figure
from likerank.analysis.figures.targets import leak_figure, targets_over_time_figure
from likerank.analysis.statistics.association import association
from likerank.analysis.statistics.observation_window import observation_window
from likerank.analysis.statistics.picture_traits import TRAITS
from likerank.analysis.statistics.target_choice import TargetFacts
from likerank.analysis.statistics.trends import smoothed_trend
from likerank.reports.style import as_png

RANDOM = np.random.default_rng(0)


def synthetic_posts(authors: int, posts: int = 600) -> pd.DataFrame:
    who = RANDOM.integers(0, authors, posts)
    table = pd.DataFrame(
        {
            "author": [f"drawn/{each}" for each in who],
            "username": [f"a $name$ {each}" for each in who],
            "likes": RANDOM.integers(0, 1000, posts),
            "age": RANDOM.uniform(0, 1000, posts),
            "place": who / max(1, authors - 1),
            "brightness": RANDOM.uniform(0, 1, posts),
        }
    )
    table["posted_at"] = pd.Timestamp("2024-01-01", tz="UTC") - pd.to_timedelta(table["age"], unit="D")
    table["relative"] = np.log10(1 + table["likes"]) - 2.5
    return table


def texts(figure: Figure) -> str:
    as_png(figure)
    return "\n".join(text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")))  # type: ignore[attr-defined]


def synthetic_authors(number: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "username": [f"name{each}" for each in range(number)],
            "followers": [np.nan, 0.0, *(10.0 ** (2 + each % 5) for each in range(number - 2))],
            "posts": np.arange(1, number + 1),
            "kept": np.minimum(np.arange(1, number + 1), 5),
        }
    )


def test_authors_get_a_row_each_or_a_curve_where_they_are_many() -> None:
    few = authors_figure(synthetic_authors(27))
    followers, posts = few.axes
    (dots,) = followers.lines
    assert sorted(np.asarray(dots.get_xdata())) == sorted(synthetic_authors(27)["followers"][2:])
    assert [label.get_text() for label in followers.texts] == ["unknown", "none"]
    assert sorted(bar.get_width() for bar in posts.containers[0]) == list(range(1, 28))
    assert "name26" in texts(few)
    many = authors_figure(synthetic_authors(600))
    assert "name26" not in texts(many)
    assert "1 without, 1 unknown" in many.axes[0].get_title(loc="left")
    before, after = many.axes[1].lines
    assert np.asarray(before.get_ydata()).max() == 600
    assert np.asarray(after.get_ydata()).max() == 5


def test_posts_over_time_are_counted_by_month_or_year() -> None:
    posted = synthetic_posts(3)["posted_at"]
    kept = pd.Series(np.arange(len(posted)) % 3 == 0)
    (axes,) = over_time_figure(posted, kept).axes
    before, after = ([bar.get_height() for bar in part] for part in axes.containers)
    assert (sum(before), sum(after)) == (600, 200)
    assert axes.get_ylabel() == "posts a month"
    old = pd.concat([posted, pd.Series([pd.Timestamp("1916-01-01", tz="UTC")])], ignore_index=True)
    (axes,) = over_time_figure(old, old.notna()).axes
    assert axes.get_ylabel() == "posts a year"


def test_what_is_left_out_is_drawn_as_shares() -> None:
    (axes,) = left_out_figure({"no picture": 5, "beyond": 45}, 200).axes
    assert [bar.get_width() for bar in axes.containers[0]] == [2.5, 22.5]
    assert {text.get_text() for text in axes.texts} == {"5 (2.5 %)", "45 (22.5 %)"}


@pytest.mark.parametrize("authors", [1, 27, 60])
def test_age_shows_every_post_and_every_author_with_enough(authors: int) -> None:
    posts = synthetic_posts(authors)
    found = association(posts["age"], posts["likes"], posts["author"])
    pooled = smoothed_trend(posts["age"], posts["relative"])
    names = dict(zip(posts["author"], posts["username"], strict=True))
    figure = age_figure(posts, {}, pooled, found, names)
    as_png(figure)
    likes, trend, correlations = figure.axes[:3]
    (points,) = (each for each in likes.collections if isinstance(each, PathCollection))
    assert len(points.get_offsets()) == 600  # type: ignore[arg-type]
    assert pooled is not None
    np.testing.assert_allclose(np.asarray(trend.lines[0].get_ydata()), 10**pooled.y)
    ends = [np.asarray(line.get_xdata()) for line in correlations.lines]
    drawn = [float(each[0]) for each in ends if each.size == 1]
    assert found.pooled is not None
    assert drawn == [*(each.rho.estimate for each in found.by_author), found.pooled.estimate]
    assert ("a \\$name\\$ 0" in texts(figure)) == (authors <= 40)


def test_the_observation_window_marks_its_days() -> None:
    ages = np.tile([0.5, 1, 2, 4, 8, 100], 20)
    found = observation_window(np.repeat(np.arange(20), 6), ages, 100 * (1 - np.exp(-ages)))
    assert found is not None
    (axes,) = observation_window_figure(found).axes
    assert f"half: {found.median_days:.1f} days" in [text.get_text().strip() for text in axes.texts]
    assert {label.get_text() for label in axes.get_xticklabels()} >= {"1", "2", "5", "10"}
    assert not any(label.get_text() for label in axes.get_xticklabels(minor=True))
    np.testing.assert_allclose(np.asarray(axes.lines[0].get_ydata()), 100 * found.half)


@pytest.mark.parametrize("dated", [True, False])
def test_each_target_has_a_panel(dated: bool) -> None:
    posts = synthetic_posts(600)
    targets = {f"target{number}": RANDOM.normal(size=600).astype(np.float32) for number in range(4)}
    figure = targets_over_time_figure(posts, targets, dated)
    as_png(figure)
    panels = [axes for axes in figure.axes if axes.collections and axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels[:5]] == ["likes", *targets]
    heights = np.asarray(panels[2].collections[0].get_offsets())[:, 1]
    np.testing.assert_allclose(heights, targets["target1"])


def test_the_leak_is_drawn_as_measured() -> None:
    facts = [TargetFacts("likes", 0.5, 0.8), TargetFacts("gone", missing="no"), TargetFacts("log", 0.01, 0.5)]
    shares, rankings = leak_figure(facts, 0.02, "log").axes
    assert [bar.get_width() for bar in shares.containers[0]] == pytest.approx([50, 1])
    assert [bar.get_width() for bar in rankings.containers[0]] == pytest.approx([30, 0])
    assert float(np.asarray(shares.lines[0].get_xdata())[0]) == 2
    assert shares.get_title(loc="left") == "red: recommended, log"


def test_before_after_and_means_are_the_given_pictures() -> None:
    before, after = np.full((30, 20, 3), 9, np.uint8), np.full((5, 5, 3), 7, np.uint8)
    figure = before_after_figure([(before, after)] * 3)
    shown = [np.asarray(axes.images[0].get_array()).shape for axes in figure.axes]
    assert shown == [(30, 20, 3)] * 3 + [(5, 5, 3)] * 3
    (axes,) = mean_pictures_figure({"all (3)": np.full((5, 5, 3), 127.5)}).axes
    assert float(np.asarray(axes.images[0].get_array()).max()) == 0.5


def test_traits_show_their_correlation() -> None:
    posts = synthetic_posts(5)
    for name in TRAITS[1:]:
        posts[name] = RANDOM.uniform(0, 1, len(posts))
    found = {name: association(posts[name], posts["likes"], posts["author"]) for name in TRAITS}
    figure = traits_figure(
        posts, found, {name: smoothed_trend(posts[name], posts["relative"]) for name in TRAITS}
    )
    as_png(figure)
    for axes, (name, each) in zip(figure.axes, found.items(), strict=True):
        assert each.pooled is not None
        assert axes.get_title(loc="left").startswith(f"{name}: Spearman {each.pooled.estimate:+.2f} (")
