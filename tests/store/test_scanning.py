"""A collection is read in parts, ahead of whoever uses them."""

import itertools
import threading
import time

import pytest
from pymongo.errors import OperationFailure

from likerank.store import Store
from likerank.store.scanning import estimated_number, scan
from tests.store.conftest import MakeMaster, MakePost

NUMBER = 1200


@pytest.fixture
def filled(store: Store, make_post: MakePost, make_master: MakeMaster) -> Store:
    store.write([], [(make_post(number), make_master()) for number in range(NUMBER)])
    return store


def test_every_post_comes_once_in_parts_of_about_the_size_asked_for(filled: Store) -> None:
    parts = [[post["_id"] for post in part] for part in scan(filled.collection("posts"), 100)]
    keys = list(itertools.chain(*parts))
    assert len(set(keys)) == len(keys) == NUMBER
    assert max(map(len, parts)) < 300
    assert 6 <= len(parts) <= 40


def test_an_estimate_is_near_the_number_of_posts(filled: Store) -> None:
    assert 0.2 * NUMBER < estimated_number(filled.collection("posts")) < 3 * NUMBER


def test_a_scan_that_is_left_early_ends_its_thread(filled: Store) -> None:
    before = threading.active_count()
    parts = scan(filled.collection("posts"), 10)
    assert next(parts)
    assert threading.active_count() == before + 1
    del parts
    for _ in range(50):
        if threading.active_count() == before:
            return
        time.sleep(0.1)
    assert threading.active_count() == before


def test_an_error_of_the_reader_reaches_who_scans(filled: Store) -> None:
    with pytest.raises(OperationFailure):
        list(scan(filled.collection("posts"), 100, {"image": 1, "likes": 0}))
