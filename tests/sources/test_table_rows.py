"""Rows as spreadsheets and hostile hands write them: none is swallowed, and no file fills the memory."""

import os
import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likerank.errors import LikerankError
from likerank.records import Post, Skipped
from likerank.sources import Table


def read(folder: Path, content: str | bytes) -> tuple[list[str], list[str]]:
    """Returns the images of the posts and the messages."""
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        (folder / name).touch()
    (folder / "m.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    records = list(Table(folder / "m.csv").records())
    images = [Path(record.picture.name).name for record in records if isinstance(record, Post)]
    return images, [record.message for record in records if isinstance(record, Skipped)]


HEADERS = ["caption,image,author,likes", "image,caption,author,likes", "image,author,likes,caption"]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("closed_by", ["b.jpg", "d.jpg", None])
def test_a_stray_quotation_mark_costs_its_row_only(
    tmp_path: Path, header: str, closed_by: str | None
) -> None:
    captions = {"a.jpg": '"so, it said', closed_by: 'and so on"'}
    rows = [
        {"image": image, "author": "ann", "likes": "4", "caption": captions.get(image, "fine")}
        for image in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    ]
    text = "\n".join([header, *(",".join(row[name] for name in header.split(",")) for row in rows)]) + "\n"
    images, messages = read(tmp_path, text)
    assert images == ["b.jpg", "c.jpg", "d.jpg"]
    assert [f"{tmp_path / 'm.csv'}, line 2: " in message for message in messages] == [True]


@pytest.mark.parametrize(
    "caption", ["one\ntwo", "a, b, c, 4\nd, e, 5", 'a ""word"", 3\n\n4, 5', "x\r\ny,z\r\n7"]
)
@pytest.mark.parametrize("header", HEADERS)
def test_captions_of_several_lines_are_no_rows(tmp_path: Path, header: str, caption: str) -> None:
    cells = {"image": "a.jpg", "author": "ann", "likes": "4", "caption": f'"{caption}"'}
    row = ",".join(cells[name] for name in header.split(","))
    assert read(tmp_path, f"{header}\n{row}\n") == (["a.jpg"], [])


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nimage;author;likes\na.jpg;A;5\n",
        '"sep=;"\r\nimage;author;likes\r\na.jpg;A;5\r\n',
        "\ufeffsep=\t\nimage\tauthor\tlikes\na.jpg\tA\t5\n",
        'image;author;likes;"Total (likes 1x, comments 1x, views 1x)"\na.jpg;A;5;9\n',
        'image,author,likes,"two\nlines; of; a; heading"\na.jpg,A,5,9\n',
        "image\tauthor\tlikes\na.jpg\tA\t5\n".encode("utf-16"),
    ],
)
def test_headers_of_spreadsheets_are_read(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path, content) == (["a.jpg"], [])


def test_a_line_without_an_end_is_read_in_bounded_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "m.csv").open("wb") as file:
        file.write(b"image,author,likes\na.jpg,A,5\n" + b"x" * 5000)
        file.truncate(400 << 20)
    (tmp_path / "a.jpg").touch()
    posts = [record for record in Table(tmp_path / "m.csv").records() if isinstance(record, Post)]
    assert len(posts) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_a_pipe_is_no_manifest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.csv")
    for ask in (Table(tmp_path / "m.csv").count, lambda: list(Table(tmp_path / "m.csv").records())):
        with pytest.raises(LikerankError, match=r"m\.csv is a pipe"):
            ask()


def test_cells_of_megabytes_cost_their_rows_only(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    authors = pa.DictionaryArray.from_arrays(pa.array([0] * 500 + [1]), pa.array(["x" * (8 << 20), "ann"]))
    table = pa.table({"image": ["a.jpg"] * 501, "author": authors, "likes": [1] * 501})
    pq.write_table(table, tmp_path / "m.parquet", compression="zstd")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    records = list(Table(tmp_path / "m.parquet").records())
    assert len([record for record in records if isinstance(record, Post)]) == 1
    assert len([record for record in records if isinstance(record, Skipped)]) == 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


def test_a_column_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    table = pa.table(
        {"image": ["a.jpg", "b.jpg"], "author": ["x" * (40 << 20), "y" * (40 << 20)], "likes": [1, 2]}
    )
    pq.write_table(table, tmp_path / "m.parquet", compression="zstd")
    with pytest.raises(LikerankError, match="'author' has 80 MiB in 2 cells"):
        list(Table(tmp_path / "m.parquet").records())


def test_the_message_about_a_long_cell_is_short(tmp_path: Path) -> None:
    images, (message,) = read(tmp_path, f"image,author,likes\n{'x' * 9000}.jpg,ann,4\nb.jpg,ann,5\n")
    assert images == ["b.jpg"]
    assert len(message) < 1100
    assert message.startswith(f"{tmp_path / 'm.csv'}, line 2: ")


def test_no_damage_of_a_parquet_file_ends_the_process(tmp_path: Path) -> None:
    """Each byte in turn is wrong: a sentence, or records; never an abort of the library."""
    table = pa.table({"image": ["a.jpg", "b.jpg"], "author": ["ann", None], "likes": [4, 5]})
    file = tmp_path / "m.parquet"
    pq.write_table(table, file)
    whole = file.read_bytes()
    refused = 0
    for place in range(4, len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert len(list(Table(file).records())) <= 4
        except LikerankError as error:
            refused += "is damaged" in str(error)
    assert refused > 100
