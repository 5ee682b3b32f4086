"""After a deletion of a person's data nothing names the person, and nothing adds the person again."""

import io
import json
import lzma
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import instaloader
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.entities import LoggedModelOutput
from PIL import Image

from likerank.app.paths import open_opt_out_list
from likerank.commands.compare import compare
from likerank.commands.evaluate import evaluate
from likerank.commands.forget import forget
from likerank.commands.ingest import ingest
from likerank.commands.promote import promote
from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Record
from likerank.run_names import FINGERPRINT
from likerank.sources import OptOutList
from likerank.store import Store, ingest_source
from likerank.tracking import Run
from likerank.tracking.author_redaction import AuthorRedaction
from likerank.tracking.results import read_predictions
from tests.instaloader_files import make_profile, save_post, save_profile
from tests.workplaces import TINY, MakeWorkplace, Workplace, checkpoint_weights, identical

GONE_ID, STAYS_ID = 9182736455, 5647382910
GONE, FORMERLY, STAYS = "zelda.quux", "zelda_before", "bob"
KEY = f"instagram/{GONE_ID}"
WORDS = (GONE, FORMERLY, str(GONE_ID))


@pytest.fixture
def workplace(lone_workplace: Workplace) -> Workplace:
    return lone_workplace


def write_archive(folder: Path, posts: int = 240) -> None:
    """Writes two authors' posts as Instaloader does; the first author was renamed half way."""
    random = np.random.default_rng(0)
    for number in range(posts):
        first = number % 2 == 0
        name = (FORMERLY if number < posts / 2 else GONE) if first else STAYS
        author_id = GONE_ID if first else STAYS_ID
        light = random.uniform(40, 200)
        stem = folder / name / f"2020-09-13_{number:04}_UTC"
        likes = int(light * (5 if first else 9))
        save_post(stem, number, 1_600_000_000 + number, make_profile(author_id, name), likes)
        pixels = np.clip(random.normal(light, 20, (24, 24, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(f"{stem}.jpg")
        stem.with_suffix(".txt").write_text(f"a caption of {name}")
    for name, author_id in ((GONE, GONE_ID), (STAYS, STAYS_ID)):
        save_profile(folder / name, make_profile(author_id, name))
    stamps = instaloader.LatestStamps(str(folder / ".collect" / "stamps.ini"))  # type: ignore[no-untyped-call]
    for name, author_id in ((GONE, GONE_ID), (FORMERLY, GONE_ID), (STAYS, STAYS_ID)):
        stamps.save_profile_id(name, author_id)


def texts(file: Path) -> Iterator[bytes]:
    """Yields a file's content, unpacked."""
    if file.suffix == ".parquet":
        yield pd.read_parquet(file).to_csv().encode()
    elif file.suffix == ".xz":
        yield lzma.decompress(file.read_bytes())
    elif file.suffix == ".npz":
        with np.load(file) as arrays:
            yield " ".join(str(arrays[name].tolist()) for name in arrays.files).encode()
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as parts:
            yield from (parts.read(name) for name in parts.namelist())
    yield file.read_bytes()


def mentions(place: Workplace, *apart: Path) -> set[str]:
    """Returns the files that name the deleted author, by file name or content."""
    found = set()
    for root in (place.folder, (place.folder / "mlruns").resolve()):
        for file in root.rglob("*"):
            if not file.is_file() or any(file.is_relative_to(folder) for folder in apart):
                continue
            name = str(file.relative_to(root))
            said = [name.encode(), *texts(file)]
            if any(word.encode() in text for word in WORDS for text in said):
                found.add(name)
    return found


def in_store(place: Workplace) -> bool:
    return any(word in str(place.contents()) for word in WORDS)


@pytest.mark.slow
def test_an_author_is_deleted_everywhere_and_stays_away(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    place = workplace
    archive, elsewhere = place.folder / "data" / "archive", place.folder / "a copy elsewhere"
    write_archive(archive)
    shutil.copytree(archive, elsewhere)
    ingest(place.compose("ingest", "source=archive", f"source.folder={archive}", "workers=1"))
    run = place.train(*TINY, "figures=true")
    assert run.has_artifact("figures")
    evaluate(place.compose("evaluate", f"run_id={run.id}"))
    hydra = place.folder / "mlruns" / "hydra" / "runs" / "collect" / place.name
    (hydra / ".hydra").mkdir(parents=True)
    (hydra / "collect.log").write_text(f"{STAYS}: 3 new\n{GONE}: 2 new\nThe end.\n")
    (hydra / ".hydra" / "overrides.yaml").write_text(f"- photos=data/archive/{GONE}\n- sheet=3\n")
    (old,) = place.fingerprints()
    weights = checkpoint_weights(run)
    model = place.tracking().open_model(run.id)
    pictures = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    before = {split: read_predictions(run, split) for split in ("val", "test")}
    kinds = {Path(name).suffix or Path(name).name for name in mentions(place, elsewhere)}
    assert kinds >= {".parquet", ".json", ".xz", ".txt", ".ckpt", "MLmodel", ".npz", ".log", ".yaml"}
    assert in_store(place)

    said = place.call("forget", f"author={FORMERLY}")
    assert said.returncode == 0, said.stderr
    assert "120 posts, 120 pictures" in said.stdout
    assert not run.has_artifact("figures")
    assert "1 author, 120 posts" in said.stdout
    assert run.id in said.stdout
    assert mentions(place, elsewhere) == set()
    assert not in_store(place)
    assert (hydra / "collect.log").read_text() == f"{STAYS}: 3 new\nThe end.\n"

    # The other author's data and the network's weights are unchanged.
    for split, predictions in before.items():
        theirs = predictions["author"] == KEY
        assert theirs.any()
        expected = predictions[~theirs].reset_index(drop=True)
        pd.testing.assert_frame_equal(read_predictions(run, split), expected)
    assert identical(checkpoint_weights(run), weights)
    again = place.tracking().open_model(run.id)
    np.testing.assert_array_equal(again.score(pictures), model.score(pictures))
    assert again.metadata.keys() == model.metadata.keys()
    assert list(again.metadata["target"]["author_means_"]) == [f"instagram/{STAYS_ID}"]

    # Every command refuses the snapshot, in a sentence.
    for refused in (
        lambda: place.train(*TINY, f"snapshot.fingerprint={old}"),
        lambda: evaluate(place.compose("evaluate", f"run_id={run.id}")),
        lambda: promote(place.compose("promote", f"run_id={run.id}")),
    ):
        with pytest.raises(LikerankError, match=f"Snapshot {old} held posts of a person"):
            refused()
    compare(place.compose("compare", f"runs=[{run.id}]", f"folder={place.folder / 'compared'}"))

    # Nothing adds the author again, and the next snapshot is without the author.
    with pytest.raises(LikerankError, match="person whose data was deleted"):
        place.train(*TINY, f"snapshot.fingerprint={old[:4]}")
    summary = ingest(place.compose("ingest", "source=archive", f"source.folder={elsewhere}", "workers=1"))
    assert summary.skipped["forgotten"] == 121
    assert summary.messages == []
    assert summary.written.unchanged_posts == 120
    assert not in_store(place)
    renewed = place.train(*TINY)
    assert renewed.tags[FINGERPRINT] != old
    assert mentions(place, elsewhere) == set()

    # A second deletion, by the key that the first one printed, finds nothing.
    capsys.readouterr()
    forget(place.compose("forget", f"author={KEY}"))
    output = capsys.readouterr().out
    assert "0 authors, 0 posts" in output
    assert "0 predictions, 0 means of likes, 0 folders" in output
    assert renewed.id not in output.split("What cannot be undone")[1]
    assert mentions(place, elsewhere) == set()


def test_an_unknown_id_needs_its_source_to_opt_out(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    forgotten = open_opt_out_list(workplace.compose("forget", "author=none"))
    for nobody in ("nobody", "'@nobody'", "instagram/", "123", "null", "''"):
        with pytest.raises(LikerankError, match=r"No author in the store .* source/id"):
            forget(workplace.compose("forget", f"author={nobody}"))
    assert len(forgotten) == 0
    forget(workplace.compose("forget", "author=instagram/123"))
    assert "instagram/123" in forgotten
    assert "0 authors, 0 posts" in capsys.readouterr().out


def author(source: str, author_id: str, *names: str) -> list[Author]:
    return [Author(source=source, author_id=author_id, username=name) for name in names]


@pytest.mark.parametrize("asked", ["ann", "@ann", "Ann"])
def test_an_ambiguous_name_lists_all_and_deletes_none(workplace: Workplace, asked: str) -> None:
    with workplace.store() as store:
        store.write([*author("instagram", "45", "ann", "ann.lee"), *author("table", "ann", "ann")], [])
    with pytest.raises(LikerankError) as refusal:
        forget(workplace.compose("forget", f"author='{asked}'"))
    assert "instagram/45 (ann, ann.lee), table/ann (ann)" in str(refusal.value)
    assert len(workplace.contents()["authors"]) == 2
    forget(workplace.compose("forget", "author=ann.lee"))
    forget(workplace.compose("forget", "author=ann"))
    assert workplace.contents()["authors"] == []


def test_a_name_like_a_number_is_read_as_typed(workplace: Workplace) -> None:
    with workplace.store() as store:
        store.write([*author("instagram", "1234", "ann"), *author("instagram", "99", "12_34")], [])
    said = workplace.call("forget", "author=12_34")
    assert said.returncode == 0, said.stderr
    assert [each["_id"] for each in workplace.contents()["authors"]] == ["instagram/1234"]


def test_multirun_is_refused_and_nothing_is_written(make_workplace: MakeWorkplace) -> None:
    place = make_workplace(cold=True)
    said = place.call("forget", "author=instagram/45,instagram/46", "-m")
    assert said.returncode != 0
    assert "leave out -m" in said.stderr
    assert "Traceback" not in said.stderr
    assert [file for file in place.folder.rglob("*") if file.is_file()] == []


class Interrupted:
    """A source whose author is deleted while it is read, before the first batch is written."""

    def __init__(self, picture: Path, store: Store, forgotten: OptOutList) -> None:
        self._picture, self._store, self._forgotten = picture, store, forgotten

    def count(self) -> None:
        return None

    def records(self) -> Iterator[Record]:
        yield from author("table", "ann", "ann")
        for number in range(300):
            if number == 280:
                self._forgotten.add("table/ann")
                self._store.forget("table/ann")
            yield Post(
                source="table",
                source_id=f"p{number}",
                author_id="ann",
                username="ann",
                picture=PictureFile(self._picture),
                likes=number,
            )


def test_an_author_deleted_during_an_ingest_is_not_written(workplace: Workplace) -> None:
    picture = workplace.folder / "photo.jpg"
    Image.new("RGB", (20, 20)).save(picture)
    path = workplace.folder / "data" / "forgotten.json"
    with workplace.store() as store:
        # The command forget is another process with a list of its own.
        source = Interrupted(picture, store, OptOutList(path))
        summary = ingest_source(source, store, workers=1, opted_out=OptOutList(path))
    assert summary.skipped["forgotten"] == 45, "the second batch"
    assert not any(workplace.contents().values())


def kept_run(place: Workplace, content: bytes) -> Run:
    run = place.tracking().start_run({FINGERPRINT: "s0"})
    file = place.folder / "val.parquet"
    file.write_bytes(content)
    run.log_file(file, "predictions")
    return run


def test_deleted_runs_are_redacted_and_damage_is_reported(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    table = io.BytesIO()
    pd.DataFrame({"key": ["i/1", "i/2"], "author": [KEY, "i/b"], "likes": [1, 2]}).to_parquet(table)
    deleted = kept_run(workplace, table.getvalue())
    damaged = kept_run(workplace, b"PAR1 and no more")
    workplace.tracking().client.delete_run(deleted.id)
    with pytest.raises(LikerankError, match=r"1 part of runs could not be read.*delete"):
        forget(workplace.compose("forget", f"author={KEY}"))
    assert damaged.id in capsys.readouterr().err
    assert pd.read_parquet(deleted.artifact("predictions/val.parquet"))["author"].tolist() == ["i/b"]
    damaged.log_file(deleted.artifact("predictions/val.parquet"), "predictions")


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_what_a_failed_run_left_unreadable_is_removed(workplace: Workplace, status: str) -> None:
    run = kept_run(workplace, b"PAR1 and no more")
    model = run._client.create_logged_model(workplace.tracking()._experiment_id, "model", run.id)
    run._client.log_outputs(run.id, [LoggedModelOutput(model.model_id, 0)])
    run._client.set_terminated(run.id, status)
    forget(workplace.compose("forget", f"author={KEY}"))
    assert not run.has_artifact("predictions/val.parquet")


def test_a_damaged_model_is_named(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = io.BytesIO()
    pd.DataFrame({"key": ["i/2"], "author": ["i/b"], "likes": [2]}).to_parquet(table)
    run = kept_run(workplace, table.getvalue())
    model = run._client.create_logged_model(workplace.tracking()._experiment_id, "model", run.id)
    run._client.log_outputs(run.id, [LoggedModelOutput(model.model_id, 0)])
    (tmp_path / "MLmodel").write_text("flavors: [")
    run._client.log_model_artifact(model.model_id, str(tmp_path / "MLmodel"))
    with pytest.raises(LikerankError, match=r"1 part of runs could not be read"):
        forget(workplace.compose("forget", f"author={KEY}"))
    assert f"Of run {run.id}: MLmodel of its model is damaged." in capsys.readouterr().err


def test_checkpoints_of_an_interrupted_training_are_redacted(workplace: Workplace) -> None:
    folder = workplace.folder / "mlruns" / "checkpoints" / workplace.name
    folder.mkdir(parents=True)
    means = {KEY: 1.5, "instagram/1": 2.5}
    state = {"state_dict": {"w": torch.ones(2)}, "Data": {"target": {"author_means_": means}}}
    torch.save(state, folder / "last.ckpt")
    forget(workplace.compose("forget", f"author={KEY}"))
    left = torch.load(folder / "last.ckpt", weights_only=True)
    assert left["Data"]["target"]["author_means_"] == {"instagram/1": 2.5}
    assert torch.equal(left["state_dict"]["w"], torch.ones(2))
    assert [file.name for file in folder.iterdir()] == ["last.ckpt"]


def test_only_log_lines_with_the_authors_names_are_removed(tmp_path: Path) -> None:
    theirs = ["ann: 3 new", "Ann is private.", "see /archive/ann/", "skipped ann.", "id 4545", "ann.lee, too"]
    others = ["anna: 3 new", "joann", "ann.a", "the ann_b", "14545", "45450", "ann.leeds"]
    log = tmp_path / "run" / "collect.log"
    log.parent.mkdir()
    log.write_text("\n".join([*theirs, *others]) + "\n")
    (tmp_path / "run" / "notes.txt").write_text("ann")
    redaction = AuthorRedaction("instagram/4545", {"ann", "ann.lee"})
    assert redaction.log_lines(tmp_path) == len(theirs)
    assert log.read_text().splitlines() == others
    assert (tmp_path / "run" / "notes.txt").read_text() == "ann"
    assert redaction.log_lines(tmp_path) == 0
    assert sorted(file.name for file in log.parent.iterdir()) == ["collect.log", "notes.txt"]


def test_names_are_found_in_every_spelling_and_file_name(tmp_path: Path) -> None:
    redaction = AuthorRedaction("instagram/4545", {"ann.lee", "Jürgen Groß"})
    theirs = [
        "photos/ann.lee.jpg is no picture",
        "archive/ann.lee_4545.json.xz is damaged",
        "archive/ann.lee_2020-09-13_UTC.jpg",
        "JÜRGEN GROß failed",
        unicodedata.normalize("NFD", "Jürgen Groß failed"),
        json.dumps("Jürgen Groß failed"),
    ]
    others = ["ann.lee.b failed", "ann.lee_b.jpg", "xann.lee.jpg", "Jürgen Großmann"]
    log = tmp_path / "refresh.log.1"
    log.write_text("\n".join([*theirs, *others]) + "\n")
    assert redaction.log_lines(tmp_path) == len(theirs)
    assert log.read_text().splitlines() == others


def test_the_log_of_every_night_and_reasons_are_redacted(workplace: Workplace) -> None:
    tracking = workplace.tracking()
    runs = [tracking.start_run({}), tracking.start_run({})]
    for run in runs:
        run.finish("FAILED", f"data/archive/{GONE}/p2.json is damaged; restore it.")
    tracking.client.delete_run(runs[1].id)
    log = workplace.folder / "mlruns" / "refresh.log"
    log.write_text(f"  left out: data/archive/{GONE}/p2.json has no picture\nRefresh done\n")
    with workplace.store() as store:
        store.write(author("instagram", str(GONE_ID), GONE), [])
    forget(workplace.compose("forget", f"author={KEY}"))
    assert log.read_text() == "Refresh done\n"
    for run in runs:
        assert run.as_read().tags["likerank.reason"] == (
            "data/archive/(forgotten)/p2.json is damaged; restore it."
        )
    assert tracking.find_existing(runs[1].id) is None
