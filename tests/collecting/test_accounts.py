"""The list of accounts is read, and its invalid lines are named."""

from pathlib import Path

import pytest

from likerank.collecting.accounts import read_accounts
from likerank.errors import LikerankError


def test_names_addresses_and_comments_are_read(tmp_path: Path) -> None:
    file = tmp_path / "accounts.txt"
    file.write_text(
        "\ufeff# photographers\n\nAnn.Lee\n@bob_  # the younger\nhttps://www.instagram.com/Carl/?hl=en\n"
        "instagram.com/dora\nhttp://instagram.com/ann.lee/reels/\n  bob_\n",
        encoding="utf-8",
    )
    accounts = read_accounts(file)
    assert accounts.usernames == ["ann.lee", "bob_", "carl", "dora"]
    assert accounts.refused == {}


@pytest.mark.parametrize(
    "line",
    ["two words", "https://www.instagram.com/p/C1abc/", "https://example.com/ann", "@", "a" * 31, ".ann"],
)
def test_an_invalid_line_is_named_and_the_others_read(tmp_path: Path, line: str) -> None:
    file = tmp_path / "accounts.txt"
    file.write_text(f"ann\n{line}\nbob\n")
    accounts = read_accounts(file)
    assert accounts.usernames == ["ann", "bob"]
    assert list(accounts.refused) == [f"{file}, line 2"]


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("# nobody\n", "names no account")])
def test_a_list_without_accounts_is_an_error(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "accounts.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(LikerankError, match=words):
        read_accounts(file)
