"""Text from outside executes nothing: no escape on a terminal, no formula in a spreadsheet."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from likerank.evaluation.photos import RankedPhoto
from likerank.reports.photos import PhotoRanking, print_photo_ranking
from likerank.reports.unreadable import print_unreadable
from likerank.shown_text import cell, printable

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egpj.a"


@given(st.text())
def test_nothing_is_left_that_a_terminal_would_execute(text: str) -> None:
    shown = printable(text)
    assert all(each.isprintable() or each in "\n\u200c\u200d" for each in shown)
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize("text", ["Käse.jpg", "東京.jpg", "👩\u200d🚀.jpg", "two\nlines"])
def test_names_of_people_stay(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(f"x{text}") == f"x{text}"


def test_a_ranking_and_its_reasons_are_printed_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    photo = RankedPhoto(1, HOSTILE, 0.5, 50.0, None, False)
    ranking = PhotoRanking((photo,), {}, HOSTILE, "models:/x", "run", False, 0.5)
    print_photo_ranking(ranking, console=Console(file=written, force_terminal=True, width=300))
    print_unreadable([f"{HOSTILE} cannot be decoded."])
    for output in (written.getvalue(), capsys.readouterr().err):
        assert "owned" in output
        assert not {"\x1b]0", "\x1b[2J", "\u202e", "\x07"} & {
            output[i : i + 4][:n] for i in range(len(output)) for n in (1, 3, 4)
        }
