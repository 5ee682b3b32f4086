"""Errors of commands are sentences with the right exit status, and commands may run at the same time."""

import gc
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from hydra.errors import ConfigCompositionException, InstantiationException

from likerank.app.run_command import importing
from likerank.app.sentences import errors_as_sentences
from likerank.errors import LikerankError
from tests.workplaces import TINY, MakeWorkplace, Workplace, wait_for

MISSPELT = ("train", "targets=top_post")
WRONG = {
    ("train", "network=huge"): ("network/huge", "paper", "residual", "resnet18"),
    MISSPELT: ("no key targets", "target meant"),
    ("train", "network=paper", "network.stem=4"): ("no key network.stem", "another choice"),
    ("train", "experiment=papr"): ("experiment/papr", "paper"),
    ("train", "launcher=threads"): ("launcher/threads", "joblib", "ray"),
    ("train", "snapshot.sise=16"): ("no key snapshot.sise", "snapshot.size meant"),
    ("train", "seed"): ("seed",),
    ("ingest",): ("source",),
    ("ingest", "source=table"): ("source.manifest",),
    ("evaluate",): ("run_id",),
    ("export",): ("folder",),
    ("train", "network=paper", "snapshot.size=12"): ("The 5x5 kernel of convolution 2",),
}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (LikerankError("photos.csv lacks [likes]."), "likerank: photos.csv lacks [likes]."),
        (ConfigCompositionException("No such key."), "likerank: No such key."),
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_1(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, errors_as_sentences("train"):
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == sentence + "\n"


def test_a_mistake_wrapped_by_hydra_keeps_its_own_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), errors_as_sentences("train"):
        raise InstantiationException("Error in call to target") from LikerankError("The kernel does not fit.")
    assert capsys.readouterr().err == "likerank: The kernel does not fit.\n"


def test_an_interrupt_has_its_status_and_a_bug_its_traceback() -> None:
    with pytest.raises(SystemExit) as ended, errors_as_sentences("train"):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    with pytest.raises(ZeroDivisionError), errors_as_sentences("train"):
        raise ZeroDivisionError


def test_garbage_collection_skips_only_imported_objects() -> None:
    with importing():
        assert not gc.isenabled()
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()
    assert (before := gc.get_freeze_count()) > 0
    with importing():
        later: list[list[int]] = [[] for _ in range(1000)]
    assert gc.get_freeze_count() <= before, f"{len(later)} objects that may become garbage stay for good"


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_a_wrong_command_ends_with_a_sentence(corpus: Workplace, command: tuple[str, ...]) -> None:
    ran = corpus.call(*command)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stdout + ran.stderr
    assert re.search("^likerank: ", ran.stderr, re.MULTILINE)
    for named in WRONG[command]:
        assert named in ran.stderr


def test_a_separate_process_fails_in_the_same_way(corpus: Workplace) -> None:
    apart, here = corpus.run(*MISSPELT), corpus.call(*MISSPELT)
    assert (apart.returncode, apart.stdout, apart.stderr) == (1, here.stdout, here.stderr)


@pytest.mark.slow
def test_two_ingests_at_once_start_one_server(make_workplace: MakeWorkplace) -> None:
    place = make_workplace(cold=True)
    started = [
        place.start("ingest", "source=demo", f"source.kind={kind}", "source.posts=100", "source.authors=3")
        for kind in ("planted", "style")
    ]
    for process in started:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "posts 100 new, 0 updated, 0 unchanged" in output
    posts = place.posts()
    assert len(set(posts)) == len(posts) == 200
    assert len(place.contents()["observations"]) == 206


@pytest.mark.slow
def test_two_trainings_at_once_make_one_mlflow_database(
    make_workplace: MakeWorkplace, corpus: Workplace, embedded_folder: Path
) -> None:
    place = make_workplace(cold=True)
    (place.folder / "data" / "mongo").symlink_to(embedded_folder, target_is_directory=True)
    started = [
        place.start("train", f"store.database={corpus.name}", *TINY, "trainer.max_epochs=1", f"seed={seed}")
        for seed in range(2)
    ]
    for process in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    runs = place.runs()
    assert [run.status for run in runs] == ["FINISHED"] * 2
    assert {run.params["seed"] for run in runs} == {"0", "1"}
    assert len(place.fingerprints()) == 1
    assert all(np.isfinite(run.metrics["val/network/across/pairwise"]) for run in runs)


@pytest.mark.slow
def test_an_interrupted_training_keeps_its_checkpoint(corpus: Workplace) -> None:
    overrides = (*TINY, "seed=21", "trainer.max_epochs=2000", "early_stopping=null")
    before = {run.id for run in corpus.runs()}
    process = corpus.start("train", *overrides)
    checkpoints = corpus.folder / "mlruns" / "checkpoints"
    wait_for(lambda: {file.parent.name for file in checkpoints.glob("*/last.ckpt")} - before, process)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode not in (0, -signal.SIGINT), output
    assert "Traceback" not in errors
    (run,) = (run for run in corpus.runs() if run.id not in before)
    assert run.status == "KILLED"
    assert (checkpoints / run.id / "last.ckpt").exists()


@pytest.mark.slow
def test_a_sweep_continues_after_a_failed_trial(corpus: Workplace) -> None:
    ran = corpus.call("train", *TINY, "trainer.max_epochs=1", "network.stem=0,4", "seed=22", "-m")
    assert ran.returncode == 1
    (run,) = (run for run in corpus.runs() if run.params.get("seed") == "22" and run.status == "FINISHED")
    assert run.params["network.stem"] == "4"
