"""A sweep's screen, page, figure and tables show its finished trials and name the failed ones."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.evaluation.effects import effects_of_choices
from likerank.reports.style import as_png
from likerank.reports.sweep import print_trials, trials_figure, write_sweep_report

OBJECTIVE = "val/network/within/pairwise"
REASON = "LikerankError: a kernel of <11> pixels is larger than the picture"
ON_SCREEN = pd.DataFrame(
    {
        "run": ["a" * 32, "b" * 32, "c" * 32],
        "status": ["FINISHED", "FINISHED", "FAILED"],
        "objective": [0.81, 0.79, float("nan")],
        "reason": ["", "", "The 15x15 kernel [2] does not fit."],
        "network.channels": ["[10,5]", "[16,16]", "[10,5]"],
        "optimizer.lr": ["0.00123456", "0.002", ""],
    }
)


def synthetic_trials(number: int = 24) -> pd.DataFrame:
    random = np.random.default_rng(0)
    trials = pd.DataFrame(
        {
            "network": ["paper", "wide", "deep"] * (number // 3),
            "optimizer.lr": [str(rate) for rate in np.geomspace(1e-4, 1e-1, number)],
            "data.batch_size": [25, 50] * (number // 2),
            "same": "always",
            "seed": np.arange(number) % 3,
            "objective": random.uniform(0.5, 0.9, number),
        },
        index=[f"run{i}" for i in range(number)],
    )
    trials.loc[trials.index.isin(["run3", "run7"]), "objective"] = np.nan
    return trials


def test_a_report_has_page_figures_and_tables(tmp_path: Path) -> None:
    trials = synthetic_trials()
    files = write_sweep_report(
        tmp_path / "report", title="A sweep", trials=trials, objective=OBJECTIVE, reasons={"run3": REASON}
    )
    assert [file.name for file in files] == [
        "effects.csv",
        "effects.tex",
        "parallel_coordinates.png",
        "parallel_coordinates.svg",
        "sweep.html",
        "trials.csv",
        "trials.tex",
    ]
    assert all(file.stat().st_size for file in files)
    page = (tmp_path / "report" / "sweep.html").read_text()
    best = trials["objective"].idxmax()
    assert f"The best by {OBJECTIVE}: {trials['objective'].max():.4f}, run {best}." in page
    assert "24 trials, 22 finished, 2 failed" in page
    assert "a kernel of &lt;11&gt; pixels" in page
    assert "not known" in page
    assert not re.search(r"<(script|link|img)|(src|href)=\"(?!#)", page)
    ranked = pd.read_csv(tmp_path / "report" / "trials.csv", index_col="run")
    assert ranked.index[0] == best
    assert set(ranked.index[-2:]) == {"run3", "run7"}
    effects = pd.read_csv(tmp_path / "report" / "effects.csv")
    assert effects["key"].unique().tolist() == ["network", "optimizer.lr", "data.batch_size"]


def test_lines_pass_the_choices_and_the_best_is_thick() -> None:
    trials = synthetic_trials()
    figure = trials_figure(trials, OBJECTIVE)
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(np.asarray(line.get_xdata())) == 4]
    assert len(lines) == 22
    thick = max(lines, key=lambda line: line.get_linewidth())
    best = trials.sort_values("objective", ascending=False).iloc[0]
    heights = np.asarray(thick.get_ydata())
    rates = trials.loc[trials["objective"].notna(), "optimizer.lr"].astype(float)
    assert heights[1] == pytest.approx((rates < float(best["optimizer.lr"])).sum() / (len(rates) - 1))
    scores = sorted(trials["objective"].dropna())
    drawn = sorted(float(np.asarray(line.get_ydata())[3]) for line in lines)
    np.testing.assert_allclose(drawn, (np.array(scores) - scores[0]) / (scores[-1] - scores[0]))
    assert heights[2] == {25: 0, 50: 1}[best["data.batch_size"]]
    assert heights[3] == 1
    assert "22 trials, 2 failed and left out" in axes.get_title(loc="left")
    names = [label.get_text().replace("\n", "") for label in axes.get_xticklabels()]
    assert names == ["network", "optimizer.lr", "data.batch_size", OBJECTIVE]


def test_without_a_finished_trial_there_is_a_page_and_no_figure(tmp_path: Path) -> None:
    trials = synthetic_trials().assign(objective=np.nan)
    files = write_sweep_report(tmp_path, title="A sweep", trials=trials, objective=OBJECTIVE, reasons={})
    assert not [file for file in files if "parallel" in file.name]
    assert "there is no best trial" in (tmp_path / "sweep.html").read_text()


def test_one_seed_shows_effects_without_intervals(tmp_path: Path) -> None:
    trials = synthetic_trials().assign(seed=1)
    write_sweep_report(tmp_path, title="A sweep", trials=trials, objective=OBJECTIVE, reasons={})
    page = (tmp_path / "sweep.html").read_text()
    assert '<td class="number">-</td>' in page
    assert "nan" not in page.split("Effects of the choices")[1].split("Failed trials")[0]


def test_choices_that_some_trials_lack_are_drawn() -> None:
    trials = synthetic_trials(6)
    trials["network.stem"] = [None, "16", "16", None, "32", "32"]
    names = {text.get_text() for text in trials_figure(trials, OBJECTIVE).axes[0].texts}
    assert {"16", "32", "none"} <= names
    effects = effects_of_choices(trials)
    assert effects[effects["key"] == "network.stem"]["value"].tolist() == ["16", "32"]


def test_equal_objectives_are_drawn() -> None:
    assert as_png(trials_figure(synthetic_trials(6).assign(objective=0.7), OBJECTIVE))


def test_the_screen_shows_choices_objective_and_whole_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_trials(ON_SCREEN, "Sweep s")
    printed = " ".join(capsys.readouterr().out.split())
    assert f"1 0.8100 {'a' * 32} channels=[10,5] lr=0.001235" in printed
    assert f"2 0.7900 {'b' * 32} channels=[16,16] lr=0.002" in printed
    assert "failed: channels=[10,5]: The 15x15 kernel [2] does not fit." in printed


def test_the_screen_shows_the_best_and_where_the_rest_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_trials(pd.concat([ON_SCREEN.iloc[:1]] * 25, ignore_index=True), "Sweep s")
    assert "and 5 more: sweep/trials.csv" in capsys.readouterr().out


def test_lists_in_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    trials = ON_SCREEN.assign(**{"evaluation.baselines": ["[mean]", "[author_mean]", "[bold]"]})
    print_trials(trials, "Sweep [red]: objective")
    shown = "".join(capsys.readouterr().out.split())
    for text in ("baselines=[mean]", "baselines=[author_mean]", "baselines=[bold]", "Sweep[red]"):
        assert text in shown
