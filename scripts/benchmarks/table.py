"""The table of scores: its seconds; and its position match, against counting all sets of posts."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared import Fixtures, Measurement, timed
from likerank.evaluation import Scores, score_table
from likerank.evaluation.position_match import position_match


def table(fixtures: Fixtures) -> Iterator[Measurement]:
    posts, authors, few = (fixtures.sizes.table[name] for name in ("posts", "authors", "counted"))
    rng = np.random.default_rng(0)
    author = rng.integers(0, authors, posts)
    appeal, audience = rng.normal(0, 0.75, posts), rng.normal(7, 1, authors)[author]
    likes = np.exp(appeal + audience + rng.normal(0, 0.33, posts)).round()
    predictions = [appeal + rng.normal(0, sd, posts) for sd in (0.4, 1, 4)] + [audience, np.zeros(posts)]
    predictors = {str(number): Scores(each, each) for number, each in enumerate(predictions)}

    def whole() -> object:
        return score_table(
            likes=likes, targets=appeal, authors=author, predictors=predictors, truth=(appeal, audience)
        )

    compared = f"all scores and intervals of 5 predictors and 2 truths, {posts} posts of {authors} authors"
    seconds = [timed(whole) for _ in range(fixtures.sizes.rounds)]
    yield Measurement("table", compared, seconds, 20, " s", at_most=True)
    truth, score = rng.permutation(few), rng.permutation(few)
    difference = max(abs(position_match(n)(truth, score) - _counted(truth, score, n)) for n in (2, 5, 10))
    compared = f"largest difference from counting all sets of 2, 5 and 10 of {few} posts"
    yield Measurement("position match", compared, [difference], 1e-9, "", at_most=True)


def _counted(truth: NDArray[np.int64], score: NDArray[np.int64], n: int) -> float:
    """Returns the share of posts at their true place, over every set of n."""
    sets = np.array(list(combinations(range(len(truth)), n)))
    true_places, places = (values[sets].argsort(axis=1).argsort(axis=1) for values in (truth, score))
    return float((true_places == places).mean())
