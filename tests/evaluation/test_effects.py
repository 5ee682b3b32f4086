"""What a choice does is a mean difference with an interval over seeds."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from likerank.evaluation.effects import effects_of_choices, swept_keys


def trials(seeds: tuple[int, ...] = (1, 2, 3)) -> pd.DataFrame:
    """Every pair of choices at every seed; wide networks are better by 0.2, the rate does nothing."""
    rows = [
        {
            "network": network,
            "lr": rate,
            "same": "x",
            "seed": seed,
            "objective": 0.5 + 0.2 * (network == "wide") + 0.01 * seed * (network == "wide"),
        }
        for network, rate, seed in itertools.product(("wide", "thin"), ("0.001", "0.0003"), seeds)
    ]
    return pd.DataFrame(rows)


def effect(frame: pd.DataFrame, key: str, value: str) -> pd.Series:
    table = effects_of_choices(frame)
    return table[(table["key"] == key) & (table["value"] == value)].iloc[0]


def test_only_what_differs_is_swept_and_the_seed_is_no_choice() -> None:
    assert swept_keys(trials()) == ["network", "lr"]
    assert effects_of_choices(trials())["key"].unique().tolist() == ["network", "lr"]


def test_an_effect_is_the_mean_difference_over_seeds() -> None:
    wide = effect(trials(), "network", "wide")
    by_seed = np.array([0.105, 0.11, 0.115])
    assert wide["effect"] == pytest.approx(by_seed.mean())
    low, high = stats.t.interval(0.95, 2, by_seed.mean(), stats.sem(by_seed))
    assert (wide["low"], wide["high"]) == pytest.approx((low, high))
    assert (wide["trials"], wide["seeds"]) == (6, 3)
    assert effect(trials(), "lr", "0.001")["effect"] == pytest.approx(0)


def test_one_seed_gives_no_interval() -> None:
    wide = effect(trials(seeds=(1,)), "network", "wide")
    assert wide["effect"] == pytest.approx(0.105)
    assert np.isnan([wide["low"], wide["high"]]).all()


def test_failed_trials_count_for_nothing() -> None:
    failed = trials().assign(network="broken", objective=np.nan)
    together = pd.concat([trials(), failed], ignore_index=True)
    pd.testing.assert_frame_equal(effects_of_choices(together), effects_of_choices(trials()))
    assert effects_of_choices(failed).empty


@pytest.mark.parametrize("as_text", [False, True])
def test_many_numbers_fall_into_four_bins_in_order(as_text: bool) -> None:
    rates = np.geomspace(1e-5, 1e-1, 40)
    frame = pd.DataFrame({"lr": rates, "seed": 1, "objective": np.log10(rates)})
    table = effects_of_choices(frame.assign(lr=frame["lr"].map(repr)) if as_text else frame)
    assert table["value"].tolist()[0].startswith("1e-05 to ")
    assert table["trials"].tolist() == [10, 10, 10, 10]
    assert table["effect"].is_monotonic_increasing


def test_choices_come_in_the_order_of_their_numbers() -> None:
    frame = pd.DataFrame({"width": ["[16, 32]", "[8, 16]", "[100]"], "seed": 1, "objective": [1.0, 2.0, 3.0]})
    assert effects_of_choices(frame)["value"].tolist() == ["[8, 16]", "[16, 32]", "[100]"]
