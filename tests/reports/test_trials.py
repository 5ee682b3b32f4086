"""A sweep's trials are legible on a narrow screen, and none that failed is left out."""

import pandas as pd
import pytest

from likerank.reports import print_trials

TRIALS = pd.DataFrame(
    {
        "run": ["a" * 32, "b" * 32, "c" * 32],
        "status": ["FINISHED", "FINISHED", "FAILED"],
        "objective": [0.81, 0.79, float("nan")],
        "reason": ["", "", "The 15x15 kernel [2] does not fit."],
        "network.channels": ["[10,5]", "[16,16]", "[10,5]"],
        "optimizer.lr": ["0.00123456", "0.002", ""],
    }
)


def test_choices_stand_in_short_beside_objective_and_whole_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_trials(TRIALS, "Sweep s")
    printed = " ".join(capsys.readouterr().out.split())
    assert f"1 0.8100 {'a' * 32} channels=[10,5] lr=0.001235" in printed
    assert f"2 0.7900 {'b' * 32} channels=[16,16] lr=0.002" in printed
    assert "failed: channels=[10,5]: The 15x15 kernel [2] does not fit." in printed


def test_a_long_sweep_shows_its_best_and_says_where_the_rest_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_trials(pd.concat([TRIALS.iloc[:1]] * 25, ignore_index=True), "Sweep s")
    assert "and 5 more: sweep/trials.csv" in capsys.readouterr().out
