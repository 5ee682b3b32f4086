"""A collection is read in parts, ahead of their use."""

import itertools
import threading
import time

import pytest
from pymongo.errors import OperationFailure

from likerank.store import Store
from likerank.store.scanning import estimated_number
from tests.store.conftest import MakeImage, MakePost

NUMBER = 1200


@pytest.fixture
def filled(store: Store, make_post: MakePost, make_stored_image: MakeImage) -> Store:
    store.write([], [(make_post(number), make_stored_image()) for number in range(NUMBER)])
    return store


def test_every_post_comes_once_in_parts_of_about_the_given_size(filled: Store) -> None:
    parts = [[post["_id"] for post in part] for part in filled.scan("posts", 100)]
    keys = list(itertools.chain(*parts))
    assert len(set(keys)) == len(keys) == NUMBER
    assert max(map(len, parts)) < 300
    assert 6 <= len(parts) <= 40


def test_an_estimate_is_near_the_number_of_posts(filled: Store, store_uri: str) -> None:
    slots = store_uri == "embedded"
    assert 0.2 * NUMBER < estimated_number(filled.collection("posts"), slots=slots) < 3 * NUMBER


def test_a_scan_that_is_left_early_ends_its_thread(filled: Store) -> None:
    before = threading.active_count()
    parts = filled.scan("posts", 10)
    assert next(parts)
    assert threading.active_count() == before + 1
    del parts
    for _ in range(3000):
        if threading.active_count() == before:
            return
        time.sleep(0.1)
    assert threading.active_count() == before


def test_an_error_of_the_reader_reaches_who_scans(filled: Store) -> None:
    with pytest.raises(OperationFailure):
        list(filled.scan("posts", 100, {"image": 1, "likes": 0}))
