"""Valid rows of a manifest become records; an invalid row gives a sentence that says what is wrong."""

import csv
import datetime as dt
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Record, Skipped
from likerank.sources import Table

UTC = dt.UTC


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the images a.jpg, b.jpg and more/c.jpg."""
    (tmp_path / "more").mkdir()
    for number, name in enumerate(["a.jpg", "b.jpg", "more/c.jpg"]):
        Image.new("RGB", (16, 16), (number * 50, 90, 90)).save(tmp_path / name)
    return tmp_path


def write(folder: Path, text: str, name: str = "manifest.csv", encoding: str = "utf-8") -> Path:
    manifest = folder / name
    manifest.write_bytes(text.encode(encoding))
    return manifest


def posts(records: Sequence[Record]) -> list[Post]:
    return [record for record in records if isinstance(record, Post)]


def authors(records: Sequence[Record]) -> list[Author]:
    return [record for record in records if isinstance(record, Author)]


def skipped(records: Sequence[Record]) -> list[Skipped]:
    return [record for record in records if isinstance(record, Skipped)]


def read(folder: Path, text: str) -> list[Record]:
    return list(Table(write(folder, text)).records())


def test_a_full_row_becomes_an_author_and_a_post(folder: Path) -> None:
    records = read(
        folder,
        "image,author,likes,author_id,followers,comments,posted_at,observed_at,source_id,colour\n"
        "more/c.jpg,Ann,120,77,1000,4,2024-05-01T10:00:00+02:00,2024-05-02,p1,red\n",
    )
    seen = dt.datetime(2024, 5, 2, tzinfo=UTC)
    assert records == [
        Author(source="table", author_id="77", username="Ann", followers=1000, observed_at=seen),
        Post(
            source="table",
            source_id="p1",
            author_id="77",
            username="Ann",
            picture=PictureFile(folder / "more/c.jpg"),
            likes=120,
            comments=4,
            posted_at=dt.datetime(2024, 5, 1, 8, tzinfo=UTC),
            observed_at=seen,
        ),
    ]


def test_without_ids_a_post_is_its_author_and_its_image(folder: Path) -> None:
    text = "image,author,likes,author_id\n./more/c.jpg,Ann,1,\na.jpg,Bob,2,77\n"
    found = posts(read(folder, text))
    assert [(post.source_id, post.author_id) for post in found] == [
        ("Ann/more/c.jpg", "Ann"),
        ("77/a.jpg", "77"),
    ]


def test_empty_optional_cells_are_unknown_and_a_zero_is_a_zero(folder: Path) -> None:
    text = "image,author,likes,followers,comments,posted_at\na.jpg,Ann,0,,,\nb.jpg,Bob,12.0,0,nan,\n"
    records = read(folder, text)
    assert [author.followers for author in authors(records)] == [None, 0]
    assert [(post.likes, post.comments) for post in posts(records)] == [(0, None), (12, None)]
    assert all(type(post.likes) is int for post in posts(records))


BAD_ROWS = {
    "missing image": ("gone.jpg,Ann,5,,,", "gone.jpg"),
    "image is empty": (",Ann,5,,,", "image"),
    "image is a folder": ("more,Ann,5,,,", "more"),
    "image has an endless name": ("x" * 5000 + ",Ann,5,,,", "xxx"),
    "image above the folder": ("more/../../a.jpg,Ann,5,,,", "more/../../a.jpg"),
    "image by absolute path": ("/etc/passwd,Ann,5,,,", "/etc/passwd"),
    "negative likes": ("a.jpg,Ann,-3,,,", "'-3'"),
    "fractional likes": ("a.jpg,Ann,3.5,,,", "'3.5'"),
    "likes in words": ("a.jpg,Ann,many,,,", "'many'"),
    "likes that are true": ("a.jpg,Ann,true,,,", "'true'"),
    "infinite likes": ("a.jpg,Ann,inf,,,", "'inf'"),
    "more likes than a database counts": ("a.jpg,Ann,1e999999,,,", "'1e999999'"),
    "no author": ("a.jpg,  ,5,,,", "author"),
    "an id that was rounded": ("b.jpg,Ann,5,,,3.01235E+18", "rounded"),
    "second row for one id": ("b.jpg,Ann,5,,,first", "'first'"),
    "too few cells": ("a.jpg,Ann", "2 cells"),
    "too many cells": ("a.jpg,Ann,5,,,,,,", "9 cells"),
    "loose quote": ('"a.jpg"x,Ann,5,,,', "expected after"),
}


def test_a_hexadecimal_id_with_one_e_is_no_rounded_number(folder: Path) -> None:
    text = "image,author,likes,source_id\na.jpg,Ann,1,241971e572692739\nmore/c.jpg,Bob,2,1e5\n"
    assert [post.source_id for post in read(folder, text) if isinstance(post, Post)] == [
        "241971e572692739",
        "1e5",
    ]


def test_an_empty_manifest_is_told_as_that(folder: Path) -> None:
    with pytest.raises(LikerankError, match="is empty; its first line must name the columns"):
        read(folder, "")


@pytest.mark.parametrize("case", BAD_ROWS)
def test_an_invalid_row_is_named_and_the_others_read(folder: Path, case: str) -> None:
    row, culprit = BAD_ROWS[case]
    header = "image,author,likes,followers,posted_at,source_id\n"
    records = read(folder, f"{header}a.jpg,Ann,1,,,first\n{row}\nmore/c.jpg,Bob,2,,,last\n")
    assert [post.source_id for post in posts(records)] == ["first", "last"]
    (left_out,) = skipped(records)
    assert left_out.message.startswith(f"{folder / 'manifest.csv'}, line 3: ")
    assert culprit in left_out.message
    assert left_out.message.endswith(".")
    assert left_out.reason
    assert "'" not in left_out.reason


def test_bytes_that_are_not_utf8_invalidate_only_their_row(folder: Path) -> None:
    manifest = folder / "manifest.csv"
    manifest.write_bytes("image,author,likes\na.jpg,Zoë,1\n".encode() + "b.jpg,Zoë,2\n".encode("latin-1"))
    records = list(Table(manifest).records())
    assert [post.username for post in posts(records)] == ["Zoë"]
    assert "line 3" in skipped(records)[0].message


def test_an_invalid_first_row_does_not_reserve_the_id(folder: Path) -> None:
    records = read(folder, "image,author,likes,source_id\na.jpg,Ann,-2,p\nb.jpg,Ann,7,p\n")
    assert [post.likes for post in posts(records)] == [7]


def test_line_numbers_count_blank_lines_and_line_breaks(folder: Path) -> None:
    records = read(folder, 'image,author,likes\n\na.jpg,"Ann\nLee",1\n,,\nb.jpg,Bob,-9\n')
    assert [post.username for post in posts(records)] == ["Ann\nLee"]
    assert ", line 6: " in skipped(records)[0].message


def test_an_author_with_a_path_for_a_name_is_just_a_name(folder: Path) -> None:
    records = read(folder, "image,author,likes\na.jpg,../../etc,3\n")
    assert authors(records)[0].author_id == "../../etc"
    assert posts(records)[0].picture == PictureFile(folder / "a.jpg")


def test_an_author_comes_once_and_before_the_posts(folder: Path) -> None:
    records = read(folder, "image,author,likes,followers\na.jpg,Ann,1,9\nb.jpg,Bob,2,8\nmore/c.jpg,Ann,3,9\n")
    assert [(type(record).__name__, getattr(record, "username", "")) for record in records] == [
        ("Author", "Ann"),
        ("Post", "Ann"),
        ("Author", "Bob"),
        ("Post", "Bob"),
        ("Post", "Ann"),
    ]


def test_a_later_change_yields_the_author_again(folder: Path) -> None:
    records = read(
        folder,
        "image,author,author_id,likes,followers,observed_at\n"
        "a.jpg,ann,1,1,10,2024-01-01\n"
        "b.jpg,ann,1,1,10,2024-02-01\n"
        "more/c.jpg,ann.lee,1,1,12,2024-03-01\n",
    )
    assert [(author.username, author.followers) for author in authors(records)] == [
        ("ann", 10),
        ("ann.lee", 12),
    ]
    assert len(posts(records)) == 3


def test_followers_in_a_later_row_are_not_lost(folder: Path) -> None:
    records = read(folder, "image,author,likes,followers\na.jpg,Ann,1,\nb.jpg,Ann,2,50\n")
    assert [author.followers for author in authors(records)] == [None, 50]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spreadsheets_dialects_are_read(folder: Path, delimiter: str, encoding: str, newline: str) -> None:
    lines = [["image", " author ", "likes"], ["a.jpg", "Zoë", "3"], ["b.jpg", "李", "4"]]
    text = newline.join(delimiter.join(line) for line in lines) + newline
    records = list(Table(write(folder, text, encoding=encoding)).records())
    assert [(post.username, post.likes) for post in posts(records)] == [("Zoë", 3), ("李", 4)]


def test_parquet_and_csv_give_the_same_records(folder: Path) -> None:
    frame = pd.DataFrame(
        {
            "image": ["a.jpg", "b.jpg", "gone.jpg", "more/c.jpg"],
            "author": pd.Categorical(["Ann", "Bob", "Ann", "Cy"]),
            "likes": [1.0, 2_345_678.0, 3.0, -4.0],
            "followers": pd.array([5, None, 5, 6], dtype="Int64"),
            "comments": [1.0, float("nan"), 2.0, 3.0],
            "posted_at": pd.to_datetime(
                pd.Series(["2024-01-01", "2024-01-02T03:04:05.678", None, "2024-01-04"]), format="ISO8601"
            ),
            "observed_at": pd.to_datetime(["2024-02-01T12:00:00Z"] * 4),
            "source_id": [10**17 + 1, 10**17 + 2, 10**17 + 3, 10**17 + 4],
            "vector": [[1.0]] * 4,
        }
    )
    frame.drop(columns="vector").to_csv(folder / "manifest.csv", index=False)
    frame.to_parquet(folder / "manifest.parquet")
    from_csv = list(Table(folder / "manifest.csv").records())
    from_parquet = list(Table(folder / "manifest.parquet").records())
    assert posts(from_csv) == posts(from_parquet)
    assert authors(from_csv) == authors(from_parquet)
    assert [post.likes for post in posts(from_parquet)] == [1, 2_345_678]
    assert posts(from_parquet)[0].source_id == "100000000000000001"
    assert posts(from_parquet)[1].posted_at == dt.datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert [record.reason for record in skipped(from_parquet)] == [
        record.reason for record in skipped(from_csv)
    ]
    assert ", row 3: " in skipped(from_parquet)[0].message


def test_whole_file_mistakes_are_one_sentence(folder: Path) -> None:
    (folder / "damaged.parquet").write_bytes(b"PAR1" + b"\0" * 100)
    pq.write_table(pa.table({"image": [["a.jpg"]], "author": ["A"], "likes": [1]}), folder / "list.parquet")
    pq.write_table(pa.table({"image": ["a.jpg"], "author": ["A"]}), folder / "less.parquet")
    pq.write_table(
        pa.table(
            {
                "image": pa.array([], pa.string()),
                "author": pa.array([], pa.string()),
                "likes": pa.array([], pa.int64()),
            }
        ),
        folder / "bare.parquet",
    )
    cases: dict[Path, list[str]] = {
        folder / "nowhere.csv": ["No such file"],
        folder / "nowhere" / "manifest.csv": ["No such file"],
        folder / "more": ["directory"],
        folder / "a.jpg": ["neither", "CSV", "Parquet"],
        folder / "damaged.parquet": ["damaged"],
        folder / "list.parquet": ["'image'", "list"],
        folder / "less.parquet": ["'likes'", "'image', 'author'"],
        folder / "bare.parquet": ["no rows"],
        write(folder, "", "empty.csv"): ["is empty"],
        write(folder, "image,author,likes\n\n", "bare.csv"): ["no rows"],
        write(folder, "image,autor,likes\na.jpg,A,1\n", "typo.csv"): ["'author'", "'autor'"],
        write(folder, "image,author,likes,likes\na.jpg,A,1,2\n", "twice.csv"): ["'likes'", "more than once"],
        write(folder, "image,author,likes\na.jpg,A,1\n", "utf16.csv", "utf-16-le"): ["UTF-8"],
    }
    for manifest, words in cases.items():
        with pytest.raises(LikerankError) as mistake:
            list(Table(manifest).records())
        message = str(mistake.value)
        assert str(manifest) in message
        assert all(word in message for word in words), message
        assert "\n" not in message


def test_a_missing_manifest_is_named_when_counting_too(tmp_path: Path) -> None:
    with pytest.raises(LikerankError, match=r"nowhere\.csv"):
        Table(tmp_path / "nowhere.csv").count()


def test_a_missing_folder_of_images_is_named(folder: Path) -> None:
    with pytest.raises(LikerankError, match="nowhere"):
        list(Table(write(folder, "image,author,likes\na.jpg,A,1\n"), folder / "nowhere").records())


def test_images_folder_and_source_name_can_be_set(folder: Path, tmp_path_factory: Any) -> None:
    manifest = write(tmp_path_factory.mktemp("lists"), "image,author,likes\nc.jpg,Ann,1\n")
    (post,) = posts(list(Table(str(manifest), str(folder / "more"), name="flickr").records()))
    assert post.key == "flickr/Ann/c.jpg"
    assert post.picture.read() == (folder / "more/c.jpg").read_bytes()


def test_count_is_close_to_the_rows(folder: Path) -> None:
    frame = pd.DataFrame(
        {"image": ["a.jpg"] * 500, "author": "Ann", "likes": range(500), "source_id": range(500)}
    )
    frame.to_csv(folder / "many.csv", index=False)
    frame.to_parquet(folder / "many.parquet")
    assert Table(folder / "many.csv").count() == pytest.approx(500, abs=1)
    assert Table(folder / "many.parquet").count() == 500


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=4 * settings().max_examples, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a.jpg", "b.jpg", "x.jpg", ".."]), CELL, CELL, CELL, CELL),
        min_size=1,
        max_size=6,
    )
)
def test_any_cells_give_records_and_never_an_error(folder: Path, rows: list[tuple[str, ...]]) -> None:
    manifest = folder / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "author", "likes", "followers", "posted_at"])
        writer.writerows(rows)
    records = list(Table(manifest).records())
    left_out = [each for each in skipped(records) if "kept without it" not in each.message]
    assert len(posts(records)) + len(left_out) == len(rows)
    assert all(post.likes is None or post.likes >= 0 for post in posts(records))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_holds_ids_and_not_rows(folder: Path, kind: str) -> None:
    rows = 20_000
    frame = pd.DataFrame({"image": "a.jpg", "author": "Ann", "likes": range(rows), "source_id": range(rows)})
    frame["posted_at"] = "2024-05-01T10:00:00Z"
    manifest = folder / f"large.{kind}"
    if kind == "csv":
        frame.to_csv(manifest, index=False)
    else:
        frame.to_parquet(manifest)
    tracemalloc.start()
    kinds = Counter(type(record).__name__ for record in Table(manifest).records())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds == {"Post": rows, "Author": 1}
    assert peak < 5 * 2**20 + 150 * rows


def test_the_posters_are_read_whole(shared_data: Path) -> None:
    records = list(Table(shared_data / "movie_posters" / "manifest.csv").records())
    assert Counter(type(record).__name__ for record in records) == {"Post": 1173, "Author": 579}
    followers = {author.author_id: author.followers for author in authors(records)}
    assert sum(followers[post.author_id] == 0 for post in posts(records)) == 300
    assert max(post.likes or 0 for post in posts(records)) == 1_689_764


@pytest.mark.parametrize("name", ["my/photos", ""])
def test_a_source_name_with_a_slash_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(LikerankError, match=r"source\.name is"):
        Table(tmp_path / "manifest.csv", name=name)
