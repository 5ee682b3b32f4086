"""A sweep's page and figure show its finished trials, and name the failed ones."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.evaluation import effects_of_choices
from likerank.reports import parallel_coordinates, sweep_page, write_sweep_report

OBJECTIVE = "val/network/within/pairwise"
REASON = "LikerankError: a kernel of <11> pixels is larger than the picture"


def made_trials(number: int = 24) -> pd.DataFrame:
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


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    trials = made_trials()
    files = write_sweep_report(
        tmp_path / "report", title="A sweep", trials=trials, objective=OBJECTIVE, reasons={"run3": REASON}
    )
    assert [file.name for file in files] == [
        "effects.csv",
        "parallel_coordinates.png",
        "parallel_coordinates.svg",
        "sweep.html",
        "trials.csv",
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


def test_lines_pass_where_the_choices_stand_and_the_best_is_thick() -> None:
    trials = made_trials()
    figure = parallel_coordinates(trials, OBJECTIVE)
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(np.asarray(line.get_xdata())) == 4]
    assert len(lines) == 22
    thick = max(lines, key=lambda line: line.get_linewidth())
    best = trials.sort_values("objective", ascending=False).iloc[0]
    heights = np.asarray(thick.get_ydata())
    rates = trials["optimizer.lr"].astype(float)
    assert heights[1] == pytest.approx(np.log(float(best["optimizer.lr"]) / rates.min()) / np.log(1e3))
    assert heights[2] == {25: 0, 50: 1}[best["data.batch_size"]]
    assert heights[3] == 1
    assert "22 trials, 2 failed and left out" in axes.get_title(loc="left")
    names = [label.get_text().replace("\n", "") for label in axes.get_xticklabels()]
    assert names == ["network", "optimizer.lr", "data.batch_size", OBJECTIVE]


def test_a_sweep_without_a_finished_trial_has_a_page_and_no_figure(tmp_path: Path) -> None:
    trials = made_trials().assign(objective=np.nan)
    files = write_sweep_report(tmp_path, title="A sweep", trials=trials, objective=OBJECTIVE, reasons={})
    assert not [file for file in files if "parallel" in file.name]
    assert "there is no best trial" in (tmp_path / "sweep.html").read_text()


def test_one_seed_shows_effects_without_intervals() -> None:
    trials = made_trials().assign(seed=1)
    page = sweep_page(
        title="A sweep",
        trials=trials,
        effects=effects_of_choices(trials),
        objective=OBJECTIVE,
        reasons={},
    )
    assert '<td class="number">-</td>' in page
    assert "nan" not in page.split("What each choice did")[1].split("Failed trials")[0]


def test_choices_that_some_trials_do_not_have_are_drawn_all_the_same() -> None:
    trials = made_trials(6)
    trials["network.stem"] = [None, "16", "16", None, "32", "32"]
    names = [text.get_text() for text in parallel_coordinates(trials, OBJECTIVE).axes[0].texts]
    assert {"16", "32", "none"} <= set(names)
    effects = effects_of_choices(trials)
    assert effects[effects["key"] == "network.stem"]["value"].tolist() == ["16", "32"]
