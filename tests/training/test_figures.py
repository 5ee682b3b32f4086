"""A run keeps figures of its training and of each ranking, unless figures=false."""

import io
import shutil

import pytest
from PIL import Image

from likerank.commands.evaluate import evaluate
from likerank.commands.forget import forget
from likerank.commands.ingest import ingest
from likerank.tracking import Run
from likerank.tracking.results import read_predictions
from tests.workplaces import CORPUS, TINY, Workplace

OF_VALIDATION = {"loss", "val_ranking", "val_bands", "val_predicted", "val_mistakes"}
OF_TEST = {"test_ranking", "test_bands", "test_predicted", "test_mistakes"}


def figures(run: Run) -> set[str]:
    return {file.stem for file in run.artifact("figures").glob("*.png")} if has_figures(run) else set()


def has_figures(run: Run) -> bool:
    return run.has_artifact("figures")


@pytest.mark.slow
def test_figures_are_drawn_and_deleted_with_an_author(
    lone_workplace: Workplace,
) -> None:
    place = lone_workplace
    ingest(place.compose("ingest", *CORPUS))
    run = place.train(*TINY, "figures=true")
    assert figures(run) == OF_VALIDATION
    evaluate(place.compose("evaluate", f"run_id={run.id}"))
    assert figures(run) == OF_VALIDATION | OF_TEST
    for file in run.artifact("figures").glob("*.png"):
        with Image.open(io.BytesIO(file.read_bytes())) as image:
            assert min(image.size) > 300
    losses = run.metric_history("val/loss")
    assert len(losses) == 3
    assert list(losses) == sorted(losses)
    forget(place.compose("forget", "author=made/nobody"))
    assert has_figures(run)
    (fingerprint,) = place.fingerprints()
    # Of a snapshot that was pruned, the predictions tell.
    shutil.rmtree(place.folder / "data" / "snapshots" / fingerprint)
    someone = read_predictions(run, "val")["author"].iloc[0]
    forget(place.compose("forget", f"author={someone}"))
    assert not has_figures(run)


def test_without_figures_there_are_none(corpus: Workplace) -> None:
    run = corpus.train(*TINY, "trainer.max_epochs=1")
    assert not has_figures(run)
