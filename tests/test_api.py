"""`import likerank`: what a notebook gets, from any folder and beside other uses of Hydra."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

import likerank
from likerank.images import encode_jpeg
from likerank.run_names import CONFIG_HASH
from likerank.tracking import Run
from tests.workplaces import TINY, Workplace

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("trained")


def test_every_name_is_there_and_documented() -> None:
    assert sorted(likerank.__all__) == likerank.__all__
    assert set(likerank.__all__) <= set(dir(likerank))
    for name in likerank.__all__:
        assert getattr(likerank, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        likerank.trian  # noqa: B018


def test_a_training_is_opened_from_any_folder(
    corpus: Workplace, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = likerank.train(*corpus.places, *TINY)
    assert run.run.tags[CONFIG_HASH] == trained.tags[CONFIG_HASH], "a finished training is returned"
    predictions = run.predictions()
    assert {"key", "author", "likes", "network", "ridge"} <= set(predictions.columns)
    pd.testing.assert_frame_equal(likerank.open_run(run.id, *corpus.places).predictions(), predictions)
    assert np.isfinite(run.metrics["val/network/within/pairwise"])
    fingerprint = likerank.make_snapshot(*corpus.places, *TINY).fingerprint
    assert likerank.open_snapshot(fingerprint[:6], *corpus.places).fingerprint == fingerprint
    with likerank.open_store(*corpus.places) as store:
        assert sum(len(batch) for batch in store.scan_posts()) == 300
    assert not list(tmp_path.iterdir())


def test_photos_are_ranked_into_a_table(corpus: Workplace, trained: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(3):
        photo = random.integers(0, 256, (80, 60, 3), dtype=np.uint8)
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(photo))
    ranking = likerank.rank_photos(tmp_path, trained.id, *corpus.places)
    assert ranking["rank"].tolist() == [1, 2, 3]
    assert ranking["score"].is_monotonic_decreasing
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(likerank.LikerankError, match=r"1 photo cannot be read: .*broken\.jpg"):
        likerank.rank_photos(tmp_path, likerank.open_model(trained.id, *corpus.places), *corpus.places)


@pytest.mark.slow
def test_a_run_ranks_the_test_split(corpus: Workplace) -> None:
    run = likerank.train(*corpus.places, *TINY, "trainer.max_epochs=1")
    assert run.evaluate().rows
    assert len(run.predictions("test")) > 0


def test_other_uses_of_hydra_go_on(corpus: Workplace, tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text("number: 3\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        likerank.make_snapshot(*corpus.places, *TINY)
        assert compose("theirs").number == 3
        likerank.make_snapshot(*corpus.places, *TINY)


def test_mistakes_are_raised_as_sentences(corpus: Workplace, tmp_path: Path) -> None:
    with pytest.raises(likerank.LikerankError, match=r"no key snapshot\.sise; is snapshot\.size meant"):
        likerank.train(*corpus.places, "snapshot.sise=16")
    with pytest.raises(likerank.LikerankError, match=r"trainer\.devices is 2; .* one process"):
        likerank.train(*corpus.places, "trainer.devices=2")
    with pytest.raises(likerank.LikerankError, match="no photos"):
        likerank.rank_photos(tmp_path, "none", *corpus.places)


@pytest.mark.slow
def test_the_notebook_runs(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "docs" / "first_steps.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "its outputs are not committed"
    workplace.keep_places_in_local_file(monkeypatch)
    done = nbclient.NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": str(workplace.folder)}}
    ).execute()
    (ranking,) = (output for output in done.cells[-1].outputs if output.output_type == "execute_result")
    assert "beats_next" in ranking.data["text/plain"]
    assert len(workplace.runs()) == 1
