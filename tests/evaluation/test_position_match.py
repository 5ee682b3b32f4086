"""Position match is exact: it equals counting every set, and with ties every way to break them."""

from fractions import Fraction
from itertools import combinations, permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likerank.evaluation.position_match import position_match
from likerank.evaluation.scored_posts import ScoredPosts


def orders_without_ties(values: list[int]) -> list[list[int]]:
    """Every strict order of the posts that breaks the ties among their values, as places from below."""
    number = len(values)
    orders = []
    for order in permutations(range(number)):
        if all(values[order[k]] <= values[order[k + 1]] for k in range(number - 1)):
            place = [0] * number
            for position, post in enumerate(order):
                place[post] = position
            orders.append(place)
    return orders


def by_counting(truth: list[int], score: list[int], n: int) -> Fraction:
    matched, told = 0, 0
    truths, scores = orders_without_ties(truth), orders_without_ties(score)
    for true_place in truths:
        for score_place in scores:
            for members in combinations(range(len(truth)), n):
                for post in members:
                    above = sum(true_place[other] > true_place[post] for other in members)
                    matched += above == sum(score_place[other] > score_place[post] for other in members)
                    told += 1
    return Fraction(matched, told)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@given(data=st.data())
def test_equals_counting_all_sets_and_all_ways_to_break_ties(n: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(n, 5))
    truth, score = (
        data.draw(st.lists(st.integers(0, 3), min_size=number, max_size=number)) for _ in range(2)
    )
    assert position_match(n)(truth, score) == pytest.approx(float(by_counting(truth, score, n)), abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 10])
@given(seed=st.integers(0, 10_000), number=st.integers(10, 60))
def test_equals_the_closed_form_without_ties(n: int, seed: int, number: int) -> None:
    random = np.random.default_rng(seed)
    truth, score = random.permutation(number), random.permutation(number)
    counts = ScoredPosts(truth, score).counts
    chances = [
        Fraction(
            sum(
                comb(b, k) * comb(c, k) * comb(number - 1 - b - c, n - 1 - 2 * k) for k in range((n + 1) // 2)
            ),
            comb(number - 1, n - 1),
        )
        for b, c in zip(
            (counts[:, 2, 0] + counts[:, 2, 1] + counts[:, 1, 0]).tolist(),
            (counts[:, 0, 2] + counts[:, 1, 2] + counts[:, 0, 1]).tolist(),
            strict=True,
        )
    ]
    assert position_match(n)(truth, score) == pytest.approx(float(sum(chances) / number), abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_equals_breaking_many_ties_at_random_on_average(n: int) -> None:
    random = np.random.default_rng(1)
    truth, score = random.integers(0, 6, 30), random.integers(0, 4, 30)
    drawn = [
        position_match(n)(truth + random.random(30) / 2, score + random.random(30) / 2) for _ in range(1000)
    ]
    error = np.std(drawn) / np.sqrt(1000)
    assert position_match(n)(truth, score) == pytest.approx(np.mean(drawn), abs=4 * error)


def test_the_truth_itself_is_always_in_place() -> None:
    truth = np.random.default_rng(2).permutation(200)
    assert position_match(10)(truth, truth) == pytest.approx(1.0, abs=1e-12)


def test_sets_of_two_are_pairs() -> None:
    random = np.random.default_rng(3)
    truth, score = random.permutation(50), random.permutation(50)
    right = np.mean([(truth[i] - truth[j]) * (score[i] - score[j]) > 0 for i in range(50) for j in range(i)])
    assert position_match(2)(truth, score) == pytest.approx(right)


def test_holds_for_a_hundred_thousand_posts() -> None:
    order = np.arange(100_000)
    assert position_match(10)(order, order) == pytest.approx(1.0, abs=1e-9)
    # Reversed, only the middle of an odd set stands right, and an even set has no middle.
    assert position_match(10)(order, -order) == pytest.approx(0.0, abs=1e-9)
    assert position_match(5)(order, -order) == pytest.approx(1 / 5, abs=1e-9)
