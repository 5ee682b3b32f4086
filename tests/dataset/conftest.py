"""An empty store for each test that builds a snapshot."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from likerank.store import Store, open_store


@pytest.fixture
def store(embedded_folder: Path) -> Iterator[Store]:
    with open_store("embedded", f"test_{uuid.uuid4().hex}", embedded_folder) as opened:
        yield opened
        database = opened.collection("posts").database
        database.client.drop_database(database.name)
