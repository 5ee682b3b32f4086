"""Paths and names arrive as they were typed, whatever Hydra's grammar would read in them."""

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from likerank.app.compose import command_configuration, understood
from likerank.app.typed_text import as_typed
from likerank.errors import LikerankError

NAMES = [
    "2024_05_31",
    "007",
    "1e5",
    "true",
    "null.jpg",
    "nan",
    "My Photos, 2026 (Köln)",
    "a'b",
    "both \" and ' quotes",
    "100%",
    "what?.jpg",
    "[brackets]",
    "{a: 1}",
    "key=value",
    "a:b",
    "back\\slash",
    "ends with \\",
    "$HOME",
    "${photos}x",
    "${nobody}",
    "\\${x}",
    "!mark",
    " spaces ",
    "#5",
    "@ann",
    "Ka\u0308se",
    "tab\there",
]


def composed(command: str, *overrides: str) -> Any:
    return command_configuration(command, overrides)


@pytest.mark.parametrize("name", [name for name in NAMES if "${photos}" not in name])
def test_a_name_is_taken_as_typed(name: str) -> None:
    assert composed("forget", f"author={name}").author == name
    assert composed("export", f"folder={name}").folder == name


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_the_very_name_wins(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    assert composed("rank", f"photos={name}").photos == name


@given(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=12)
)
def test_any_name_is_taken_as_typed(name: str) -> None:
    if "${" in name or (len(name) > 1 and name[0] == name[-1] and name[0] in "'\""):
        return
    (override,) = understood("forget", [f"author={name}"])
    assert OverridesParser.create().parse_override(override).value() == name


def test_quotes_and_lists_of_hydra_stay() -> None:
    assert composed("rank", "photos='a b'").photos == "a b"
    assert composed("rank", "photos=[a b.jpg,2024_05_31,'c, d']").photos == ["a b.jpg", "2024_05_31", "c, d"]
    assert composed("rank", "photos=x", "folder=${photos}/ranked").folder == "x/ranked"
    assert composed("train", "resume=null").resume is None


def test_what_the_environment_holds_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTS", "/shots")
    assert composed("rank", "photos=${oc.env:SHOTS}/new").photos == "/shots/new"


def test_the_home_folder_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert composed("rank", "photos=~/shots").photos == "/home/ann/shots"
    assert composed("rank", "photos=[~/a,~/b]").photos == ["/home/ann/a", "/home/ann/b"]
    assert composed("rank", "photos=~nobody_of_this_name/x").photos == "~nobody_of_this_name/x"


def test_commas_separate_a_sweeps_values() -> None:
    assert as_typed("train", ["paths.data=a b,2024_05_31"], sweep=True) == ["paths.data='a b','2024_05_31'"]
    assert as_typed("train", ["network.dropout=0.1,0.2"], sweep=True) == ["network.dropout=0.1,0.2"]


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(LikerankError, match="photos is empty"):
        as_typed("rank", ["photos="], sweep=False)
