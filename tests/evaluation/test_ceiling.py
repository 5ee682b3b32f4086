"""The ceiling from pictures that were posted again agrees with the truth where that is made."""

import numpy as np
import pytest

from likerank.evaluation import METRICS, Scores, ScoreTable, score_table
from likerank.evaluation.ceiling import LEAST_GROUPS, Ceiling, estimate_ceiling, too_few_in_words
from likerank.evaluation.scored_posts import FloatArray, IntArray
from likerank.evaluation.scoring import with_estimated_ceiling


def corpus(seed: int, share: float, again: int) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """Returns log counts, authors, copy groups and the worth of the pictures; some pictures posted again."""
    random = np.random.default_rng(seed)
    picture = np.concatenate((np.arange(2000), random.choice(2000, again, replace=False)))
    author = np.arange(2000) % 15
    worth = random.normal(0, np.sqrt(share), 2000)
    logs = 5 + author[picture] + worth[picture] + random.normal(0, np.sqrt(1 - share), picture.size)
    return logs, author[picture], picture, worth[picture]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_over_20_made_corpora_it_is_centred_and_its_interval_covers(share: float) -> None:
    found = [estimate_ceiling(*corpus(seed, share, 150)[:3]) for seed in range(20)]
    ceilings = [each for each in found if isinstance(each, Ceiling)]
    assert len(ceilings) == 20
    shares = np.array([each.share for each in ceilings])
    assert abs(shares.mean() - share) < 4 * shares.std(ddof=1) / np.sqrt(20)
    covered = sum(each.low <= share <= each.high for each in ceilings)
    assert covered >= 16, "of 20, fewer than 16 covered is a chance of 1 in 400 at 95 %"


def test_the_pairs_are_those_that_the_truth_orders() -> None:
    logs, authors, _, worth = corpus(1, 0.5, 0)
    reached = METRICS["pairwise"](logs, worth, authors)
    assert Ceiling.pairs_of(0.5) == pytest.approx(reached, abs=0.02)
    assert (Ceiling.pairs_of(0.0), Ceiling.pairs_of(1.0)) == (0.5, 1.0)


def test_few_copies_give_their_number_and_a_sentence() -> None:
    found = estimate_ceiling(*corpus(1, 0.5, LEAST_GROUPS - 1)[:3])
    assert found == LEAST_GROUPS - 1
    assert too_few_in_words(1).startswith("The ceiling is not known: 1 picture was posted again")


def test_copies_of_two_authors_are_no_picture_that_one_posted_again() -> None:
    logs, authors, copies, _ = corpus(1, 0.5, 100)
    apart = authors.copy()
    apart[2000:] += 1
    assert estimate_ceiling(logs, apart, copies) == 0


def test_the_words_name_the_estimate_the_interval_and_the_assumptions() -> None:
    words = Ceiling(0.5, 0.4, 0.6, 120).in_words()
    assert "120 pictures that an author posted again" in words
    assert "leaves 50% of the variance to pictures (40% to 60%)" in words
    assert "order 75 of 100 pairs (72 to 78)" in words


def test_a_table_of_real_posts_has_the_estimated_ceiling_and_skill_beside_its_headline() -> None:
    logs, authors, copies, worth = corpus(3, 0.5, 100)
    table = score_table(np.exp(logs), logs, authors, {"network": Scores(worth, worth)})
    found = estimate_ceiling(logs, authors, copies)
    assert isinstance(found, Ceiling)
    beside = with_estimated_ceiling(table, found)
    (row,) = (each for each in beside.rows if (each.scope, each.metric) == ("within", "pairwise"))
    assert row.ceiling == Ceiling.pairs_of(found.share)
    assert row.estimate is not None
    assert row.skill == pytest.approx((row.estimate - 0.5) / (row.ceiling - 0.5))
    assert {each.ceiling for each in beside.rows if each is not row} == {None}
    assert ScoreTable.from_json(beside.to_json()) == beside
    assert with_estimated_ceiling(table, 3).ceiling.startswith("The ceiling is not known")


def test_a_table_whose_truth_is_known_keeps_its_ceiling() -> None:
    logs, authors, _, worth = corpus(3, 0.5, 0)
    table = score_table(np.exp(logs), logs, authors, {"network": Scores(worth, worth)}, (worth, 0 * worth))
    assert with_estimated_ceiling(table, Ceiling(0.1, 0.05, 0.2, 30)) == table
