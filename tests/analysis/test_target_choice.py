"""The recommended target is the one without the fault that was planted, and the reason names it."""

import json

import numpy as np
from numpy.typing import NDArray

from likerank.analysis.statistics.target_choice import TargetFacts, expected_share, recommended, target_facts

RANDOM = np.random.default_rng(0)
AUTHORS = np.repeat(np.arange(30), 40)
TRAINING = RANDOM.random(AUTHORS.size) < 0.8
DAYS = RANDOM.uniform(0, 1000, AUTHORS.size)
NOISE = RANDOM.normal(0, 1, AUTHORS.size)
TRAINING_AUTHORS = AUTHORS[TRAINING]


def facts(name: str, values: NDArray[np.float64], per_author: bool = True) -> TargetFacts:
    return target_facts(name, values, AUTHORS, training=TRAINING, days=DAYS, per_author=per_author)


CLEAN = facts("clean", NOISE)
LEAKY = facts("leaky", NOISE + 3 * np.sin(AUTHORS), per_author=False)


def test_planted_properties_are_measured() -> None:
    chance = expected_share(AUTHORS)
    assert abs(CLEAN.share - chance) < 0.02
    assert CLEAN.ranking is not None
    assert abs(CLEAN.ranking - 0.5) < 0.05
    assert LEAKY.share > 0.7
    assert LEAKY.ranking is not None
    assert LEAKY.ranking > 0.7
    drifting = facts("drifting", NOISE + DAYS / 300)
    assert drifting.sure_drift > 0.4
    assert drifting.when is not None
    assert drifting.when.share > 0.15
    assert drifting.when.within.estimate > 0.6
    assert drifting.when.nearby is not None
    assert drifting.when.nearby.estimate < 0.58
    assert CLEAN.when is not None
    assert CLEAN.when.excess == 0
    assert CLEAN.sure_drift == 0
    tailed = facts("tailed", np.exp(3 * NOISE))
    assert tailed.top_share > 0.5 > CLEAN.top_share
    uneven = facts("uneven", NOISE * np.linspace(0.2, 2, 30)[AUTHORS])
    assert uneven.spread is not None
    assert CLEAN.spread is not None
    assert uneven.spread > 3 > CLEAN.spread
    for each in (drifting, tailed, uneven):
        json.dumps(each.to_json(), allow_nan=False)


def test_each_fault_is_passed_over_and_named() -> None:
    for flawed, why in (
        (LEAKY, "gives away least who posted"),
        (facts("drifting", NOISE + DAYS / 300), "is ordered least by who and when"),
        (facts("tailed", np.exp(3 * NOISE)), "led least by a few posts"),
        (facts("uneven", NOISE * np.linspace(0.2, 2, 30)[AUTHORS]), "varies most alike"),
    ):
        advice = recommended([flawed, CLEAN], TRAINING_AUTHORS)
        assert advice.target == "clean"
        assert why in advice.reason
        assert flawed.name in advice.reason


def test_the_first_of_equals_is_recommended() -> None:
    advice = recommended([CLEAN, facts("other", NOISE)], TRAINING_AUTHORS)
    assert advice.target == "clean"
    assert "simplest" in advice.reason


def test_authors_of_one_post_rule_out_targets_by_author() -> None:
    advice = recommended([CLEAN, LEAKY], np.arange(100))
    assert advice.target == "leaky"
    assert "100% of the training posts are their author's only one" in advice.reason
    roughly = recommended([CLEAN, LEAKY], np.repeat(np.arange(50), 3))
    assert roughly.target == "clean"
    assert "by 3 training posts at the median" in roughly.reason
    once = recommended([CLEAN, LEAKY], np.concatenate([np.arange(60), np.repeat(np.arange(60, 105), 2)]))
    assert once.target == "clean"
    assert "by 1 training post at the median" in once.reason


def test_a_missing_target_is_never_recommended() -> None:
    missing = TargetFacts("per_follower", missing="No followers are known.")
    assert recommended([missing], TRAINING_AUTHORS).target == ""
    assert recommended([missing, CLEAN], TRAINING_AUTHORS).target == "clean"
    assert missing.in_words(0.1) == "No followers are known."
    assert "no more than chance" in CLEAN.in_words(expected_share(AUTHORS))
    assert "who posted gives away much" in LEAKY.in_words(expected_share(AUTHORS))
