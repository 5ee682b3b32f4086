"""The figures of a training show the numbers of its losses, predictions and table."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from likerank.evaluation import Scores, score_table
from likerank.evaluation.metrics import BANDS
from likerank.reports.style import as_png
from likerank.reports.training_figures import (
    bands_figure,
    loss_figure,
    mistakes,
    predicted_figure,
    ranking_chart,
)

RANDOM = np.random.default_rng(0)


def predictions(posts: int = 60) -> pd.DataFrame:
    target = RANDOM.normal(size=posts)
    return pd.DataFrame(
        {
            "key": [f"synthetic/{number}" for number in range(posts)],
            "author": [f"synthetic/a{number % 3}" for number in range(posts)],
            "likes": np.exp(target + 5).round().astype(np.int64),
            "target": target,
            "network": target + RANDOM.normal(0, 0.1, posts),
        }
    )


def test_the_kept_epoch_is_marked() -> None:
    (axes,) = loss_figure([3.0, 2.0, 1.0], [3.0, 1.5, 2.5], 2).axes
    assert axes.get_title(loc="left") == "Kept: epoch 2 of 3, validation loss 1.5"
    training, validation, _, mark = axes.lines
    assert list(np.asarray(training.get_ydata())) == [3, 2, 1]
    assert list(np.asarray(validation.get_ydata())) == [3, 1.5, 2.5]
    assert (mark.get_xdata(), mark.get_ydata()) == ([2], [1.5])


def test_every_prediction_is_a_point() -> None:
    table = predictions()
    figure = predicted_figure(table, "AuthorLog")
    as_png(figure)
    (points,) = (each for each in figure.axes[0].collections if isinstance(each, PathCollection))
    np.testing.assert_allclose(np.asarray(points.get_offsets()), table[["target", "network"]])
    assert figure.axes[0].get_xlabel() == "true AuthorLog"


def test_the_chart_shows_scores_chance_and_ceiling() -> None:
    table = predictions()
    scores = {name: Scores(table["network"].to_numpy(), table["network"].to_numpy()) for name in ("network",)}
    appeal = table["target"].to_numpy()
    found = score_table(table["likes"], table["target"], table["author"], scores, (appeal, 0 * appeal))
    figure = ranking_chart(found)
    as_png(figure)
    within = figure.axes[0]
    drawn = [float(np.asarray(line.get_xdata())[0]) for line in within.lines if line.get_marker() == "o"]
    rows = [row for row in found.rows if (row.scope, row.metric) == ("within", "pairwise")]
    assert drawn == [row.estimate for row in rows]
    marks = [float(np.asarray(line.get_xdata())[0]) for line in within.lines[-2:]]
    assert marks == [rows[0].chance, rows[0].ceiling]
    assert [label.get_text() for label in within.get_yticklabels()] == [
        "network",
        "appeal",
        "appeal+audience",
    ]


def test_the_bands_are_the_headlines_pairs_by_how_much_their_likes_differ() -> None:
    table = predictions()
    score = table["network"].to_numpy()
    found = score_table(table["likes"], table["target"], table["author"], {"network": Scores(score, score)})
    figure = bands_figure(found)
    as_png(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["all", "1.5x", "2x", "4x"]
    for axes, metric in zip(figure.axes, ("pairwise", *(band.name for band in BANDS)), strict=True):
        (dot,) = (line for line in axes.lines if line.get_marker() == "o")
        (row,) = (each for each in found.rows if (each.scope, each.metric) == ("within", metric))
        assert float(np.asarray(dot.get_xdata())[0]) == row.estimate


def test_the_worst_mistakes_are_the_planted_ones() -> None:
    table = predictions()
    ranks = table.groupby("author")["target"].rank()
    lowest, highest = table[ranks == ranks.max()].index[0], table[ranks == 1].index[0]
    table.loc[lowest, "network"], table.loc[highest, "network"] = -99.0, 99.0
    chosen = mistakes(table, 2)
    assert chosen["too low"]["key"].iloc[0] == table["key"][lowest]
    assert chosen["too high"]["key"].iloc[0] == table["key"][highest]
    right = pd.concat([chosen["rightly high"], chosen["rightly low"]])
    assert not right["key"].isin(table["key"][[lowest, highest]]).any()
    assert chosen["rightly high"]["true_place"].min() > chosen["rightly low"]["true_place"].max()
    assert len(mistakes(table.head(2), 5)["too low"]) == pytest.approx(2)
