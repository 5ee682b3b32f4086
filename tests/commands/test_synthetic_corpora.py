"""The synthetic corpora: a network finds the planted signal, and nothing where there is none.

Where audiences grow it finds the year, which orders posts of one author, and no posts nearby each other.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from likerank.commands.evaluate import evaluate
from likerank.commands.ingest import ingest
from likerank.evaluation import METRICS, JudgedPosts
from likerank.evaluation.intervals import interval_of
from likerank.evaluation.scopes import NEARBY, WITHIN
from tests.shuffling import permutation_standard_error
from tests.workplaces import MakeWorkplace

# One worker makes the corpora and trains; the tests read.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("synthetic corpora")]

# Small, but enough that the planted signal stands out by far.
SMALL = (
    "snapshot.balance=none",
    "trainer.max_epochs=8",
    "trainer.enable_progress_bar=false",
    "figures=false",
)
POSTS = {"planted": 1800, "null": 900, "style": 900, "growing": 1800}
Scores = Callable[[str, str], pd.DataFrame]


@pytest.fixture(scope="module")
def scored(make_workplace: MakeWorkplace) -> Scores:
    """Predictions of a split by a small training on a corpus of a kind, under a target."""
    workplace = make_workplace()
    kept: dict[tuple[str, str], pd.DataFrame] = {}

    def score(kind: str, target: str) -> pd.DataFrame:
        if (kind, target) not in kept:
            ingest(
                workplace.compose(
                    "ingest",
                    "source=demo",
                    f"source.kind={kind}",
                    f"source.posts={POSTS[kind]}",
                    "source.authors=12",
                )
            )
            sources = f"snapshot.sources=[demo_{kind}]"
            run = workplace.train(*SMALL, sources, f"target={target}")
            evaluate(workplace.compose("evaluate", f"run_id={run.id}"), show=False)
            kept[kind, target] = pd.read_parquet(run.artifact("predictions/test.parquet"))
        return kept[kind, target]

    return score


def standard_errors_from_chance(posts: pd.DataFrame, predictor: str, metric: str, scope: str) -> float:
    likes, scores = posts["likes"].to_numpy(np.float64), posts[predictor].to_numpy(np.float64)
    authors = pd.factorize(posts["author"])[0] if scope == "within" else None
    measure = METRICS[metric]
    chance = measure(likes, np.zeros(len(likes)), authors)
    spread = permutation_standard_error(measure, likes, scores, authors, 200, 0)
    return (measure(likes, scores, authors) - chance) / spread


RANKING = [name for name in METRICS if name not in ("mse", "position_match_10")]


def test_a_network_finds_what_was_planted(scored: Scores) -> None:
    posts = scored("planted", "author_log")
    assert standard_errors_from_chance(posts, "network", "pairwise", "within") > 8
    assert standard_errors_from_chance(posts, "ridge", "pairwise", "within") > 6


@pytest.mark.parametrize("metric", RANKING)
@pytest.mark.parametrize("scope", ["across", "within"])
@pytest.mark.parametrize("predictor", ["network", "ridge", "linear"])
def test_nothing_is_found_where_likes_ignore_the_picture(
    scored: Scores, predictor: str, scope: str, metric: str
) -> None:
    assert abs(standard_errors_from_chance(scored("null", "top_post"), predictor, metric, scope)) < 4


@pytest.mark.parametrize("metric", RANKING)
def test_style_is_found_across_authors_only(scored: Scores, metric: str) -> None:
    posts = scored("style", "top_post")
    assert standard_errors_from_chance(posts, "network", metric, "across") > 4
    assert abs(standard_errors_from_chance(posts, "network", metric, "within")) < 4


@pytest.mark.parametrize("predictor", ["network", "author_then"])
def test_the_year_is_found_within_an_author_and_orders_nothing_nearby(scored: Scores, predictor: str) -> None:
    judged = JudgedPosts.of_table(posts := scored("growing", "author_log"))
    pairwise = METRICS["pairwise"]
    within, nearby = (
        interval_of(pairwise, judged.scored(scope, pairwise, posts[predictor])) for scope in (WITHIN, NEARBY)
    )
    assert within.standard_error is not None
    assert nearby.standard_error is not None
    assert within.estimate - 0.5 > 4 * within.standard_error
    assert abs(nearby.estimate - 0.5) < 4 * nearby.standard_error
