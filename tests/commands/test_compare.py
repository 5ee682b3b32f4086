"""Finished runs on one snapshot are compared by configuration, on validation alone, with a verdict."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from likerank.commands.compare import compare
from likerank.commands.ingest import ingest
from likerank.errors import LikerankError
from likerank.evaluation.configurations import Comparison
from likerank.tracking import Run
from tests.workplaces import CORPUS, TINY, TINY_PAPER, MakeWorkplace, Workplace

pytestmark = pytest.mark.xdist_group("compared")

SHORT = ("trainer.max_epochs=1",)


@pytest.fixture(scope="module")
def place(make_workplace: MakeWorkplace) -> Workplace:
    """One of its own: what an experiment holds is counted here."""
    made = make_workplace()
    ingest(made.compose("ingest", *CORPUS))
    return made


@pytest.fixture(scope="module")
def sweep(place: Workplace) -> tuple[Run, dict[str, Run]]:
    """A parent, two configurations of two seeds each, and a trial that failed."""
    parent = place.tracking().start_run({"likerank.kind": "sweep"}, "a sweep")
    runs = {
        f"{name} {seed}": place.train(*overrides, *SHORT, f"seed={seed}")
        for name, overrides in (("default", TINY), ("paper", TINY_PAPER))
        for seed in (1, 2)
    }
    for run in runs.values():
        run.set_tags({"mlflow.parentRunId": parent.id})
    # A trial that the sweep found finished: it belongs to the run that trained it.
    runs["default 2"].set_tags({"mlflow.parentRunId": "another", f"likerank.sweep.{parent.id}": "found"})
    place.tracking().start_run({"mlflow.parentRunId": parent.id}).finish("FAILED", "an impossible shape")
    parent.finish()
    return parent, runs


def ranked(place: Workplace, folder: Path, *overrides: str) -> Comparison:
    return compare(place.compose("compare", f"folder={folder}", *overrides))


def named(*runs: Run) -> str:
    return f"runs=[{','.join(run.id for run in runs)}]"


def test_a_sweeps_trials_are_compared_by_configuration(
    place: Workplace,
    sweep: tuple[Run, dict[str, Run]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parent, runs = sweep
    ranking = ranked(place, tmp_path, f"sweep_id={parent.id}")
    by_label = {each.label: each for each in ranking.standings}
    networks = [label for label, each in by_label.items() if each.kind == "network"]
    assert len(networks) == 2
    assert all(list(by_label[label].by_seed) == [1, 2] for label in networks)
    assert {label.split()[0] for label in networks} == {"network=ResidualNet", "network=ConvNet"}
    # The two targets are of different classes, so each baseline stands there once for each.
    assert {"ridge target=AuthorLog", "ridge target=TopPost"} <= set(by_label)
    printed = " ".join(capsys.readouterr().out.split())
    assert ranking.verdict in printed
    assert f"Sweep {parent.id}" in printed
    assert "They are not Instagram's." in printed
    best = next(each for each in ranking.standings if each.kind == "network")
    seed = max(best.by_seed, key=lambda one: best.by_seed[one])
    chosen = runs[f"{'default' if 'ResidualNet' in best.label else 'paper'} {seed}"]
    assert f"likerank promote run_id={chosen.id}" in printed
    frame = pd.read_csv(parent.artifact("comparison/comparison.csv"))
    assert frame["configuration"].tolist() == [each.label for each in ranking.standings]
    assert chosen.id in frame["runs"].str.split().explode().tolist()
    page = parent.artifact("comparison/comparison.html").read_text()
    assert page == (tmp_path / "comparison.html").read_text()
    assert "<svg" in page
    assert not re.search(r'(src|href)="http', page)


def test_scores_are_those_that_the_runs_logged(
    place: Workplace, sweep: tuple[Run, dict[str, Run]], tmp_path: Path
) -> None:
    _, runs = sweep
    for metric in ("within/pairwise", "across/position_match_5"):
        ranking = ranked(place, tmp_path, named(*runs.values()), f"metric={metric}", "predictors=[network]")
        for standing in ranking.standings:
            kind = "default" if "ResidualNet" in standing.label else "paper"
            for seed, score in standing.by_seed.items():
                logged = runs[f"{kind} {seed}"].metrics[f"val/network/{metric}"]
                assert score == pytest.approx(logged)


def test_two_runs_that_differ_only_by_seed_do_not_differ(
    place: Workplace, sweep: tuple[Run, dict[str, Run]], tmp_path: Path
) -> None:
    _, runs = sweep
    two = named(runs["default 1"], runs["default 2"])
    (one,) = ranked(place, tmp_path, two, "predictors=[network]").standings
    assert (one.label, list(one.by_seed)) == ("network", [1, 2])
    apart = ranked(place, tmp_path, two, "predictors=[network]", "split_by=[seed]")
    assert {each.label for each in apart.standings} == {"seed=1", "seed=2"}
    assert all(each.seeds_counted for each in apart.standings)
    assert not any(each.surely_behind for each in apart.standings)
    assert apart.verdict.startswith("Nothing is better than the rest")


@pytest.mark.slow
def test_the_newest_snapshot_of_an_experiment_is_compared(
    make_workplace: MakeWorkplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_workplace()
    ingest(other.compose("ingest", *CORPUS))
    old = other.train(*TINY, *SHORT, "snapshot.seed=1")
    new = other.train(*TINY, *SHORT)
    ranking = ranked(other, tmp_path, "predictors=[network,ridge]")
    assert [len(each.by_seed) for each in ranking.standings] == [1, 1]
    assert {each.label for each in ranking.standings} == {"network", "ridge"}
    assert "Left out: 1 run on other snapshots" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(LikerankError, match="Only runs on one snapshot") as refusal:
        ranked(other, tmp_path, named(old, new))
    assert old.id in str(refusal.value)
    assert new.id in str(refusal.value)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(LikerankError, match=f"{other.name} has no finished training since"):
        ranked(other, tmp_path, f"since={tomorrow:%Y-%m-%d}")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert ranked(other, tmp_path, f"since={yesterday:%Y-%m-%dT%H:%M}").standings


def test_a_repeated_run_stands_once_for_its_seed(
    place: Workplace,
    sweep: tuple[Run, dict[str, Run]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, runs = sweep
    again = place.train(*TINY, *SHORT, "seed=1", "reuse=false")
    ranking = ranked(place, tmp_path, named(again, runs["default 1"]), "predictors=[network]")
    assert list(ranking.standings[0].by_seed) == [1]
    frame = pd.read_csv(tmp_path / "comparison.csv")
    latex = (tmp_path / "comparison.tex").read_text()
    assert latex.count(r"\\") == len(frame) + 1
    assert frame["runs"].tolist() == [again.id]
    assert "Left out: 1 run that a newer one" in capsys.readouterr().out


def test_a_run_without_predictions_is_left_out(
    place: Workplace,
    sweep: tuple[Run, dict[str, Run]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parent, runs = sweep
    tags = runs["paper 1"].tags
    bare = place.tracking().start_run(
        {"likerank.fingerprint": tags["likerank.fingerprint"], "mlflow.parentRunId": parent.id}
    )
    bare.finish()
    assert ranked(place, tmp_path, f"sweep_id={parent.id}").standings
    assert f"keep no predictions: {bare.id}." in " ".join(capsys.readouterr().out.split())
    with pytest.raises(LikerankError, match=f"Run {bare.id} has no predictions/val"):
        ranked(place, tmp_path, named(bare))
    bare.set_tags({"mlflow.parentRunId": "nobody", "likerank.fingerprint": "of no snapshot"})


def test_test_is_never_read(place: Workplace, sweep: tuple[Run, dict[str, Run]], tmp_path: Path) -> None:
    run = sweep[1]["default 1"]
    (tmp_path / "test.parquet").write_text("not a Parquet file: reading it fails")
    run.log_file(tmp_path / "test.parquet", "predictions")
    ranking = ranked(place, tmp_path, named(run), "metric=across/pairwise")
    validation = pd.read_parquet(run.artifact("predictions/val.parquet"))
    assert ranking.posts == (validation["half"] == "select").sum()


def test_runs_that_cannot_be_compared_are_named(
    place: Workplace, sweep: tuple[Run, dict[str, Run]], tmp_path: Path
) -> None:
    parent, runs = sweep
    unfinished = place.tracking().start_run({"likerank.fingerprint": "f"})
    empty = place.tracking().start_run({})
    one = runs["default 1"]
    for overrides, sentence in (
        (["runs=[nowhere]"], "has no run nowhere"),
        (["sweep_id=nowhere"], "has no run nowhere"),
        (["runs=[]"], "runs is empty"),
        ([named(parent)], f"Run {parent.id} is no training"),
        ([named(one, unfinished)], f"Run {unfinished.id} is running; only finished runs"),
        ([f"sweep_id={empty.id}"], f"Sweep {empty.id} has no finished trial"),
        ([named(one), f"sweep_id={parent.id}"], "leave sweep_id and since out"),
        ([named(one), "metric=within/mse"], "metric is within/mse; it must be .*pairwise"),
        (
            [named(one), "metric=pairwise"],
            "metric is pairwise; it must be headline/, nearby/, within/ or across/",
        ),
        ([named(one), "predictors=[forest]"], "predictors names forest; .*network"),
        ([named(one), "split_by=[sead]"], "split_by names sead"),
        (["since=yesterday"], "since is yesterday; give a date"),
    ):
        with pytest.raises(LikerankError, match=sentence):
            ranked(place, tmp_path, *overrides)
    unfinished.finish("KILLED")


@pytest.mark.slow
def test_the_script_prints_the_table_and_fails_in_a_sentence(
    place: Workplace, sweep: tuple[Run, dict[str, Run]]
) -> None:
    parent, _ = sweep
    ran = place.call("compare", f"sweep_id={parent.id}")
    assert ran.returncode == 0, ran.stderr
    assert "share of pairs ranked rightly, within an author" in ran.stdout
    assert list((place.folder / "mlruns" / "compared").glob("*/comparison.html"))
    failed = place.call("compare", "runs=[nowhere]")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
