"""Good records are ingested; each bad one is left out and named in one sentence."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from likerank.commands.ingest import ingest
from likerank.errors import LikerankError
from likerank.sources import Table
from likerank.store import IngestSummary, export_store, ingest_source
from tests.workplaces import MakeWorkplace, Workplace

GOOD = ("plain.jpg", "cmyk.jpg", "deep.png", "turned.jpg", "etc.jpg", "twice.jpg")
BAD_PICTURES = {
    "cut.jpg": "cannot be decoded",
    "text.jpg": "is not a JPEG",
    "bomb.png": "100,000,000",
    "dot.png": "1x1 pixels",
}
BAD_ROWS = {
    "negative": "likes is '-3', not a whole number",
    "fractional": "likes is '2.5', not a whole number",
    "true": "likes is 'true', not a whole number",
    "missing": "there is no image",
    "second row": "'one_id' has an earlier row",
}


def two_halves() -> Image.Image:
    """Dark on the left, bright on the right, wider than high: every turn shows."""
    picture = np.full((40, 60), 30, np.uint8)
    picture[:, 30:] = 220
    return Image.fromarray(picture).convert("RGB")


def bomb() -> bytes:
    """A PNG of some bytes that says it has 30000x30000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def draw_good_and_bad(folder: Path) -> None:
    picture = two_halves()
    for number, name in enumerate(("plain.jpg", "etc.jpg", "twice.jpg", "negative.jpg", "empty.jpg")):
        picture.resize((60 + number, 40)).save(folder / name)
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # To be shown turned right by a quarter.
    picture.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=turned)
    whole = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole, "JPEG")
    (folder / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (folder / "text.jpg").write_text("I am no picture.\n")
    (folder / "bomb.png").write_bytes(bomb())
    Image.new("RGB", (1, 1)).save(folder / "dot.png")


def write_manifest(folder: Path) -> Path:
    rows = [
        "image,author,likes,source_id",
        "plain.jpg,ann,10,",
        "negative.jpg,ann,-3,",
        "cut.jpg,ann,1,",
        "cmyk.jpg,bob,20,",
        "text.jpg,ann,2,",
        "negative.jpg,ann,2.5,",
        "deep.png,bob,30,",
        "bomb.png,ann,3,",
        "empty.jpg,ann,true,",
        "turned.jpg,ann,40,",
        "nowhere.jpg,ann,4,",
        "etc.jpg,../../etc,50,",
        "dot.png,bob,5,",
        "twice.jpg,bob,60,one_id",
        "plain.jpg,bob,61,one_id",
    ]
    manifest = folder / "photos.csv"
    manifest.write_text("\n".join(rows) + "\n")
    return manifest


@dataclass(frozen=True)
class Spoilt:
    """A manifest with good and bad rows, and what ingesting it did."""

    place: Workplace
    manifest: Path
    summary: IngestSummary

    def stored_image(self, image: str) -> NDArray[np.float64]:
        """The stored picture of the post with that image, grey."""
        with self.place.store() as store:
            post = store.collection("posts").find_one({"source_id": {"$regex": f"{image}$"}})
        assert post is not None
        return np.asarray(Image.open(io.BytesIO(post["image"]["master"])).convert("L")).astype(np.float64)


@pytest.fixture(scope="module")
def spoilt(make_workplace: MakeWorkplace) -> Spoilt:
    place = make_workplace()
    photos = place.folder / "photos"
    photos.mkdir()
    draw_good_and_bad(photos)
    manifest = write_manifest(photos)
    with place.store() as store:
        return Spoilt(place, manifest, ingest_source(Table(manifest), store))


@pytest.mark.parametrize(("name", "reason"), BAD_PICTURES.items())
def test_a_bad_picture_is_named_in_one_sentence(spoilt: Spoilt, name: str, reason: str) -> None:
    (sentence,) = (message for message in spoilt.summary.messages if name in message)
    assert str(spoilt.manifest.parent / name) in sentence
    assert reason in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(("kind", "reason"), BAD_ROWS.items())
def test_a_bad_row_is_named_by_its_line_in_one_sentence(spoilt: Spoilt, kind: str, reason: str) -> None:
    (sentence,) = (message for message in spoilt.summary.messages if reason in message)
    assert sentence.startswith(f"{spoilt.manifest}, line ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_rest_goes_through_and_the_bad_are_counted(spoilt: Spoilt) -> None:
    contents = spoilt.place.contents()
    assert sorted(post["likes"] for post in contents["posts"]) == [10, 20, 30, 40, 50, 60]
    assert {author["username"] for author in contents["authors"]} == {"ann", "bob", "../../etc"}
    assert len([one for one in contents["observations"] if one["kind"] == "post"]) == len(GOOD)
    assert all(post["image"] for post in contents["posts"])
    assert spoilt.summary.written.new_posts == len(GOOD)
    assert sum(spoilt.summary.skipped.values()) == len(BAD_PICTURES) + len(BAD_ROWS)
    assert spoilt.summary.skipped["unreadable picture"] == len(BAD_PICTURES)
    assert spoilt.summary.skipped["invalid likes"] == 3


@pytest.mark.parametrize("image", ["cmyk.jpg", "deep.png", "turned.jpg"])
def test_an_odd_picture_stands_upright_and_in_the_right_shades(spoilt: Spoilt, image: str) -> None:
    stored = spoilt.stored_image(image)
    assert stored.shape == (40, 60)
    assert np.abs(stored[:, :28].mean() - 30) < 12
    assert np.abs(stored[:, 32:].mean() - 220) < 12


def test_an_author_named_like_a_path_leads_nowhere(spoilt: Spoilt, workplace: Workplace) -> None:
    around = set(workplace.folder.parent.iterdir())
    with spoilt.place.store() as store:
        export_store(store, workplace.folder / "export", images=True)
    assert set(workplace.folder.parent.iterdir()) == around
    ingest(workplace.compose("ingest", "source=export", f"source.folder={workplace.folder / 'export'}"))
    assert workplace.posts() == spoilt.place.posts()


def test_a_second_ingest_changes_nothing(spoilt: Spoilt) -> None:
    before = spoilt.place.contents()
    with spoilt.place.store() as store:
        again = ingest_source(Table(spoilt.manifest), store)
    assert again.messages == spoilt.summary.messages
    assert (again.written.new_posts, again.written.unchanged_posts) == (0, len(GOOD))
    assert again.written.new_observations == 0
    assert spoilt.place.contents() == before


def test_the_script_says_the_same_on_the_screen(spoilt: Spoilt, workplace: Workplace) -> None:
    ran = workplace.call("ingest", "source=table", f"source.manifest={spoilt.manifest}")
    bad = len(BAD_PICTURES) + len(BAD_ROWS)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr + ran.stdout
    assert ran.stderr.count("left out: ") == bad
    assert all(message in ran.stderr for message in spoilt.summary.messages)
    assert f"likerank: {bad} records were left out" in ran.stderr.splitlines()[-1]
    assert f"posts {len(GOOD)} new" in ran.stdout
    assert "4 unreadable picture" in ran.stdout
    assert workplace.posts() == spoilt.place.posts()


def header_alone(folder: Path) -> str:
    (folder / "photos.csv").write_text("image,author,likes\n")
    return f"{folder / 'photos.csv'} has no rows"


def missing_column(folder: Path) -> str:
    Image.new("RGB", (20, 20)).save(folder / "a.jpg")
    (folder / "photos.csv").write_text("image,author,hearts\na.jpg,ann,3\n")
    return "photos.csv lacks the column 'likes'"


def nothing_usable(folder: Path) -> str:
    Image.new("RGB", (20, 20)).save(folder / "a.jpg")
    (folder / "photos.csv").write_text("image,author,likes\na.jpg,ann,-3\n")
    return "has neither posts nor authors"


def no_manifest(folder: Path) -> str:
    return f"{folder / 'photos.csv'} cannot be read"


def damaged_parquet(folder: Path) -> str:
    (folder / "photos.csv").write_bytes(b"PAR1 and no more")
    return "photos.csv is damaged"


@pytest.mark.parametrize(
    "spoil", [header_alone, missing_column, nothing_usable, no_manifest, damaged_parquet]
)
def test_an_empty_source_is_refused_and_the_store_stays_empty(
    workplace: Workplace, spoil: Callable[[Path], str]
) -> None:
    expected = spoil(workplace.folder)
    config = workplace.compose(
        "ingest", "source=table", f"source.manifest={workplace.folder / 'photos.csv'}", "workers=1"
    )
    with pytest.raises(LikerankError) as refusal:
        ingest(config)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not any(workplace.contents().values())


def test_counts_with_gaps_from_parquet_are_read_like_text(workplace: Workplace) -> None:
    for name in ("a.jpg", "b.jpg"):
        two_halves().resize((50, 40 + ord(name[0]))).save(workplace.folder / name)
    table = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "author": ["ann", "ann"], "likes": [7.0, np.nan]})
    table.to_parquet(workplace.folder / "photos.parquet")
    config = workplace.compose(
        "ingest", "source=table", f"source.manifest={workplace.folder / 'photos.parquet'}", "workers=1"
    )
    ingest(config)
    assert [post["likes"] for post in workplace.contents()["posts"]] == [7, None]


def test_videos_are_counted_and_no_complaint(shared_data: Path, workplace: Workplace) -> None:
    ran = workplace.call(
        "ingest", "source=archive", f"source.folder={shared_data / 'instaloader' / 'spacex'}"
    )
    assert ran.returncode == 0, ran.stderr
    assert "posts 5 new" in ran.stdout
    assert "Skipped: 4 video" in ran.stdout
    assert "left out" not in ran.stderr
    assert len(workplace.posts()) == 5
