"""New photos are ranked by a trained model, after the same preprocessing as its posts."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from likerank.commands.evaluate import evaluate
from likerank.commands.rank import rank
from likerank.errors import LikerankError
from likerank.images import encode_jpeg
from likerank.models.targets import load_target
from likerank.records import Post
from likerank.reports.photos import PhotoRanking
from likerank.sources import Demo
from likerank.tracking import Run
from likerank.tracking.results import read_table
from tests.models.test_targets import SquareRoot
from tests.workplaces import TINY, Workplace

pytestmark = pytest.mark.xdist_group("trained")


def ranked(place: Workplace, run: Run, *overrides: str) -> PhotoRanking:
    return rank(place.compose("rank", f"model={run.id}", *overrides))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Five photos of several sizes and shades."""
    folder = tmp_path / "shots"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, size in enumerate([(40, 60), (600, 500), (90, 1000), (64, 64), (50, 8)]):
        photo = np.clip(random.normal(50 * number, 20, (*size, 3)), 0, 255).astype(np.uint8)
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(photo))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_post_scores_as_in_its_runs_predictions(
    corpus: Workplace, trained: Run, shots: Path, out: Path
) -> None:
    said = pd.read_parquet(trained.artifact("predictions/val.parquet")).set_index("key")["network"]
    files: dict[str, Path] = {}
    for post in Demo(posts=300, authors=6).records():
        if isinstance(post, Post) and post.key in said.index:
            files[post.key] = shots / f"post {len(files)}.jpg"
            files[post.key].write_bytes(post.picture.read())
    assert len(files) == len(said)
    ranking = ranked(corpus, trained, f"photos='{shots}/post*'", f"folder={out}")
    scores = {photo.photo: photo.score for photo in ranking.photos}
    for key, file in files.items():
        assert scores[file.name] == pytest.approx(said[key], abs=1e-5)


def test_a_ranking_is_printed_and_written(
    corpus: Workplace, trained: Run, shots: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shots / "notes.txt").write_text("not a photo")
    (shots / "<b>.jpg").write_bytes((shots / "0.jpg").read_bytes())
    ranking = ranked(corpus, trained, f"photos={shots}", f"folder={out}", "sheet=3")
    names = [photo.photo for photo in ranking.photos]
    assert sorted(names) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "<b>.jpg"]
    scores = [photo.score for photo in ranking.photos]
    assert scores == sorted(scores, reverse=True)
    # The same photo twice.
    copy = ranking.photos[names.index("0.jpg")]
    assert (copy.beats_next, copy.ties_with_next) == (0.5, True)
    with (out / "ranking.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["photo"] for row in csv.DictReader(stream)] == names
    content = json.loads((out / "ranking.json").read_text(encoding="utf-8"))
    assert [photo["photo"] for photo in content["photos"]] == names
    assert content["run_id"] == trained.id
    page = (out / "contact_sheet.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3
    assert "<b>" not in page
    printed = capsys.readouterr().out
    assert "synthetic posts" in printed
    assert all(name in printed for name in names)


def test_the_model_keeps_its_calibration_data(corpus: Workplace, trained: Run) -> None:
    kept = corpus.tracking().open_model(trained.id).metadata["ranking"]
    assert kept["synthetic"] is True
    assert len(kept["quantiles"]) == 101
    assert kept["quantiles"] == sorted(kept["quantiles"])
    assert kept["isotonic"]["chance"][0] == 0.5


def test_unreadable_files_are_listed_and_the_others_ranked(
    corpus: Workplace, trained: Run, shots: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, gone = shots / "broken.jpg", shots / "gone.jpg"
    broken.write_bytes((shots / "1.jpg").read_bytes()[:1000])
    with pytest.raises(LikerankError, match="2 files could not be read"):
        ranked(corpus, trained, f"photos=['{shots}','{gone}']", f"folder={out}")
    complaints = capsys.readouterr().err
    assert f"{broken} cannot be decoded" in complaints
    assert f"{gone} cannot be read: No such file" in complaints
    content = json.loads((out / "ranking.json").read_text(encoding="utf-8"))
    assert len(content["photos"]) == 5
    assert set(content["unreadable"]) == {str(broken), str(gone)}


def test_a_file_whose_name_is_not_utf8_is_ranked(
    corpus: Workplace, trained: Run, shots: Path, out: Path
) -> None:
    (shots / "0.jpg").rename(shots / "caf\udce9.jpg")
    ranking = ranked(corpus, trained, f"photos={shots}", f"folder={out}")
    assert r"caf\udce9.jpg" in [photo.photo for photo in ranking.photos]
    assert r"caf\udce9.jpg" in (out / "contact_sheet.html").read_text(encoding="utf-8")


def test_no_readable_photo_is_refused_in_one_sentence(
    corpus: Workplace, trained: Run, tmp_path: Path, out: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LikerankError, match=r"There are no photos in .*empty"):
        ranked(corpus, trained, f"photos={tmp_path / 'empty'}", f"folder={out}")
    with pytest.raises(LikerankError, match="None of the 1 files could be read"):
        ranked(corpus, trained, f"photos={tmp_path / 'nowhere'}", f"folder={out}")
    assert not out.exists()


def test_a_model_without_calibration_data_is_refused(
    corpus: Workplace, trained: Run, shots: Path, out: Path
) -> None:
    scorer = mlflow.pytorch.load_model(f"runs:/{trained.id}/model")
    older = corpus.tracking().start_run({})
    with mlflow.start_run(run_id=older.id):
        mlflow.pytorch.log_model(
            scorer, name="model", input_example=np.zeros((2, 16, 16, 3), np.uint8), pip_requirements=[]
        )
    with pytest.raises(LikerankError, match="has no calibration data"):
        ranked(corpus, older, f"photos={shots}", f"folder={out}")


def test_a_model_of_an_outside_target_is_evaluated_and_ranks(
    corpus: Workplace, shots: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = shutil.copytree(os.environ["LIKERANK_CONF"], tmp_path / "conf")
    (conf / "target").mkdir()
    (conf / "target" / "square_root.yaml").write_text("_target_: tests.models.test_targets.SquareRoot\n")
    monkeypatch.setenv("LIKERANK_CONF", str(conf))
    run = corpus.train(*TINY, "trainer.max_epochs=1", "target=square_root")
    evaluate(corpus.compose("evaluate", f"run_id={run.id}"))
    assert read_table(run, "test").to_metrics()
    assert len(ranked(corpus, run, f"photos={shots}", f"folder={out}").photos) == 5
    target = load_target(corpus.tracking().open_model(run.id).metadata["target"])
    assert type(target) is SquareRoot


@pytest.mark.slow
def test_the_command_ranks_what_it_can_and_exits_with_1(corpus: Workplace, trained: Run, shots: Path) -> None:
    (shots / "broken.png").write_text("no picture")
    ran = corpus.call("rank", f"photos={shots}", f"model={trained.id}")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "likerank: 1 file could not be read, see above; all others are ranked."
    )
    assert "Traceback" not in ran.stderr
    assert "5 photos" in ran.stdout
    written = re.search("All of it: (.+)/contact_sheet.html", ran.stdout)
    assert written
    names = {file.name for file in Path(written[1]).iterdir()}
    assert names == {"ranking.csv", "ranking.json", "contact_sheet.html"}
    unknown = corpus.call("rank", f"photos={shots}", "model=models:/nobody@champion")
    assert unknown.returncode == 1
    assert unknown.stderr.splitlines()[-1].startswith(
        "likerank: The model models:/nobody@champion cannot be opened"
    )


def test_before_there_is_a_champion_the_newest_training_ranks_and_says_how_well(
    corpus: Workplace, trained: Run, shots: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranking = rank(corpus.compose("rank", f"photos={shots / '*.jpg'}", f"folder={corpus.folder / 'first'}"))
    said = " ".join(capsys.readouterr().out.split())
    assert f"No model is champion yet, so that the newest training ranks, run {ranking.run_id}" in said
    assert ranking.evidence[0].startswith("In words: of two photos of one person")
    assert "Few posts: the headline rests on" in ranking.evidence[1]
    assert ranking.evidence[1] in said
