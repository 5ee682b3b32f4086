"""A ranking of new photos on the screen, as CSV, as JSON and as a page that loads nothing."""

import csv
import io
import json
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from likerank.evaluation.photos import RankedPhoto
from likerank.images import encode_jpeg
from likerank.reports.photos import (
    PhotoRanking,
    print_photo_ranking,
    tie_brackets,
    write_contact_sheet,
    write_csv,
    write_json,
)

HOSTILE = "<b>&\"'[bold]{{ 7 * 7 }}.jpg"


def photo(rank: int, name: str, chance: float | None, tied: bool = False) -> RankedPhoto:
    return RankedPhoto(rank, name, 1.5 - rank, 99.6 - rank, chance, tied)


RANKING = PhotoRanking(
    photos=(
        photo(1, "sea.jpg", 0.71),
        photo(2, HOSTILE, 0.52, tied=True),
        photo(3, "größe, naïve.png", 0.54, tied=True),
        photo(4, "last.webp", None),
    ),
    unreadable={"<i>.jpg": "shots/<i>.jpg is not a JPEG picture."},
    folder="shots",
    model="models:/likerank@champion",
    run_id="0123abcd",
    synthetic=False,
    tie=0.55,
)
THUMBNAILS = [encode_jpeg(np.full((8, 8, 3), 60 * number, np.uint8)) for number in range(4)]


def printed(ranking: PhotoRanking, width: int = 120) -> str:
    screen = io.StringIO()
    print_photo_ranking(ranking, console=Console(file=screen, width=width))
    return screen.getvalue()


def page(ranking: PhotoRanking, folder: Path, thumbnails: int = 4) -> str:
    write_contact_sheet(ranking, THUMBNAILS[:thumbnails], folder / "sheet.html")
    return (folder / "sheet.html").read_text(encoding="utf-8")


def test_the_screen_shows_each_photo_and_brackets_near_ties() -> None:
    lines = printed(RANKING).splitlines()
    assert lines[0] == "4 photos of shots, ranked by models:/likerank@champion"
    rows = [line.split() for line in lines if re.match(r" +[1-4] ", line)]
    assert rows[0] == ["1", "sea.jpg", "0.500", "98", "71%"]
    assert rows[1][:2] == ["2", "╭"]
    assert rows[2][:2] == ["3", "│"]
    assert rows[3] == ["4", "╰", "last.webp", "-2.500", "95"]
    assert HOSTILE in printed(RANKING)
    assert "under 55%" in printed(RANKING)


def test_without_near_ties_none_are_explained() -> None:
    assert "Near ties" not in printed(replace(RANKING, photos=RANKING.photos[:1]))


def test_of_many_photos_the_screen_shows_the_best() -> None:
    many = tuple(photo(rank, f"{rank}.jpg", 0.9) for rank in range(1, 2001))
    shown = printed(replace(RANKING, photos=many))
    assert "30.jpg" in shown
    assert "31.jpg" not in shown
    assert "and 1,970 more" in shown


@pytest.mark.parametrize(
    ("tied", "brackets"),
    [
        ([False, False], ["", ""]),
        ([True, False], ["╭", "╰"]),
        ([True, True, False, True, False], ["╭", "│", "╰", "╭", "╰"]),
        ([False, True, False, False], ["", "╭", "╰", ""]),
    ],
)
def test_brackets_open_and_close(tied: list[bool], brackets: list[str]) -> None:
    assert tie_brackets([photo(1, "x", 0.5, tied=each) for each in tied]) == brackets


def test_screen_and_page_say_that_posts_are_synthetic(tmp_path: Path) -> None:
    synthetic = replace(RANKING, synthetic=True)
    assert "synthetic posts" in printed(synthetic)
    assert "synthetic posts" in page(synthetic, tmp_path)
    assert "synthetic posts" not in printed(RANKING) + page(RANKING, tmp_path)


def test_csv_and_json_hold_every_photo(tmp_path: Path) -> None:
    write_csv(RANKING, tmp_path / "ranking.csv")
    with (tmp_path / "ranking.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["photo"] for row in rows] == [each.photo for each in RANKING.photos]
    assert [row["beats_next"] for row in rows] == ["0.71", "0.52", "0.54", ""]
    write_json(RANKING, tmp_path / "ranking.json")
    content = json.loads((tmp_path / "ranking.json").read_text(encoding="utf-8"))
    assert [RankedPhoto(**each) for each in content["photos"]] == list(RANKING.photos)
    assert content["unreadable"] == RANKING.unreadable
    assert content["model"] == RANKING.model


def test_the_page_holds_each_photo_and_escapes_its_name(tmp_path: Path) -> None:
    html = page(RANKING, tmp_path)
    names = [unescape(name) for name in re.findall(r'<span class="name"[^>]*>(.*?)</span>', html)]
    assert names == [each.photo for each in RANKING.photos]
    assert "<b>" not in html
    assert "<i>.jpg" not in html
    assert "shots/<i>.jpg is not a JPEG picture." in unescape(html)
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert [b64decode(picture) for picture in pictures] == THUMBNAILS


def test_the_page_needs_no_network(tmp_path: Path) -> None:
    html = page(RANKING, tmp_path)
    assert not re.search(r"https?://|<link|<script|@import|url\(", html)


def test_the_page_names_near_ties(tmp_path: Path) -> None:
    ties = [
        " ".join(tie.split())
        for tie in re.findall(r'<div class="tie">(.*?)</div>', page(RANKING, tmp_path), re.S)
    ]
    assert ties == ["≈ near tie with 3", "≈ near tie with 2 and 4", "≈ near tie with 3"]


def test_photos_beyond_the_sheet_are_counted(tmp_path: Path) -> None:
    html = page(RANKING, tmp_path, thumbnails=1)
    assert html.count("<img") == 1
    assert "3 more are in the CSV file" in html


def test_a_csv_begins_no_cell_as_a_formula_and_names_the_same_file(tmp_path: Path) -> None:
    photos = tuple(
        RankedPhoto(rank, name, -0.5, 50.0, None, False) for rank, name in enumerate(["=1+1.jpg", "b.jpg"], 1)
    )
    write_csv(PhotoRanking(photos, {}, "shots", "models:/x", "run", False, 0.5), tmp_path / "ranking.csv")
    assert list(pd.read_csv(tmp_path / "ranking.csv")["photo"]) == ["./=1+1.jpg", "b.jpg"]
