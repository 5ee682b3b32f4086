"""A short draw of damaged inputs; `python -m tests.fuzz` draws for as long as one likes."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from likerank.store import Store, open_store
from tests.fuzz.fuzzer import failure_of
from tests.fuzz.kinds import KINDS

NUMBERS = {"overrides": 12, "snapshot": 12, "image": 60, "checkpoint": 15}
USUAL = 30


@pytest.fixture(scope="module")
def store(embedded_folder: Path) -> Iterator[Store]:
    with open_store("embedded", "test_fuzz", embedded_folder) as opened:
        yield opened
        database = opened.collection("posts").database
        database.client.drop_database(database.name)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_end_in_a_sentence(kind: str, store: Store, tmp_path: Path) -> None:
    for number in range(NUMBERS.get(kind, USUAL)):
        folder = tmp_path / str(number)
        folder.mkdir()
        KINDS[kind].draw(Random(f"{kind}-{number}"), folder)
        wrong = failure_of(KINDS[kind], folder, store)
        assert not wrong, f"number {number} of {kind}, in {folder}:\n{wrong}"
