"""Near copies: what the search finds is what comparing all pairs finds, and later pictures move nobody."""

from collections.abc import Callable
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from likerank.dataset import copies
from likerank.dataset.copies import (
    LEAST_CORRELATION,
    MOST_BITS,
    copy_groups,
    correlations,
    grouped,
    hashes_of,
    near_pairs,
    pairs_within,
)
from likerank.images import encode_jpeg, make_stored_image
from likerank.sources.synthetic.landscapes import draw, sample_scene

Edit = Callable[[Image.Image], Image.Image]


def signatures(pictures: list[Image.Image], quality: int = 95) -> NDArray[np.uint8]:
    jpegs = [encode_jpeg(np.asarray(picture.convert("RGB")), quality) for picture in pictures]
    return np.stack([np.frombuffer(make_stored_image(jpeg, "drawn").signature, np.uint8) for jpeg in jpegs])


@pytest.fixture(scope="module")
def landscapes() -> list[Image.Image]:
    random = np.random.default_rng(3)
    return [Image.fromarray(draw(sample_scene(random))) for _ in range(60)]


@given(
    number=st.integers(0, 120),
    bases=st.integers(1, 10),
    flips=st.integers(0, 12),
    seed=st.integers(0, 2**32),
)
def test_pairs_of_hashes_are_those_that_comparing_all_finds(
    number: int, bases: int, flips: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (bases, 64), dtype=np.uint8)[random.integers(0, bases, number)]
    for row in bits:
        row[random.choice(64, random.integers(0, flips + 1), replace=False)] ^= 1
    hashes = np.packbits(bits, axis=1).view(np.uint64).ravel()
    found = [pair for i, j in pairs_within(hashes) for pair in zip(i.tolist(), j.tolist(), strict=True)]
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])
    near = np.argwhere(np.triu(distances <= MOST_BITS, 1))
    assert sorted(found) == sorted(map(tuple, near.tolist()))


@pytest.mark.parametrize("at_once", [7, 1 << 13])
def test_near_pairs_are_those_that_comparing_all_finds(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(copies, "_AT_ONCE", at_once)
    monkeypatch.setattr(copies, "_CANDIDATES_AT_ONCE", at_once)
    random = np.random.default_rng(0)
    bases = random.integers(0, 256, (40, 256))
    noise = random.normal(0, random.uniform(0, 60, (300, 1)), (300, 256))
    shaken = np.clip(bases[random.integers(0, 40, 300)] + noise, 0, 255).astype(np.uint8)
    i, j = np.triu_indices(300, 1)
    hashes = hashes_of(shaken)
    near = np.bitwise_count(hashes[i] ^ hashes[j]) <= MOST_BITS
    near &= correlations(shaken[i], shaken[j]) >= LEAST_CORRELATION
    assert 20 < near.sum() < 10_000
    order = np.lexsort((i[near], j[near]))
    all_pairs = np.stack([i[near], j[near]], axis=1)[order]
    np.testing.assert_array_equal(near_pairs(shaken), all_pairs)
    np.testing.assert_array_equal(near_pairs(shaken[::-1], np.arange(299, -1, -1)), all_pairs)


@pytest.mark.parametrize(
    "edit",
    [
        lambda picture: picture.resize((96, 96)),
        lambda picture: picture.convert("L"),
        lambda picture: ImageEnhance.Contrast(picture).enhance(0.7),
        lambda picture: ImageEnhance.Color(picture).enhance(1.4),
        lambda picture: picture.crop((2, 2, picture.width - 2, picture.height - 2)),
    ],
)
def test_a_picture_changed_a_little_is_a_near_copy(landscapes: list[Image.Image], edit: Edit) -> None:
    both = np.concatenate([signatures(landscapes), signatures([edit(each) for each in landscapes], 40)])
    found = {tuple(pair) for pair in near_pairs(both).tolist()}
    assert found <= {(each, each + 60) for each in range(60)}, "different landscapes were taken for copies"
    assert len(found) >= 57


def test_another_picture_is_none_and_neither_is_a_mirrored_one(landscapes: list[Image.Image]) -> None:
    both = signatures([*landscapes, *map(ImageOps.mirror, landscapes)])
    assert near_pairs(both).size == 0


def test_pictures_of_one_colour_are_copies_of_nothing() -> None:
    random = np.random.default_rng(0)
    flat = [Image.fromarray(random.integers(100, 102, (64, 64, 3), dtype=np.uint8)) for _ in range(30)]
    assert near_pairs(signatures(flat)).size == 0
    assert near_pairs(np.empty((0, 256), np.uint8)).shape == (0, 2)


PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60).map(
    lambda pairs: np.array(
        sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]}, key=itemgetter(1, 0)), np.int32
    ).reshape(-1, 2)
)


@given(pairs=PAIRS, before=st.integers(0, 30))
def test_what_comes_later_moves_nobody_and_no_copies_are_apart(pairs: NDArray[np.int32], before: int) -> None:
    groups = grouped(30, pairs)
    earlier = grouped(before, pairs[(pairs < before).all(axis=1)])
    assert groups[:before].tolist() == earlier.tolist()
    kept = (groups[pairs] >= 0).all(axis=1)
    assert (groups[pairs[kept, 0]] == groups[pairs[kept, 1]]).all()
    assert set(groups.tolist()) - {-1} == {p for p in range(30) if groups[p] == p}


def test_a_picture_linking_two_groups_is_in_none_of_them() -> None:
    assert grouped(4, np.array([[0, 2], [1, 2], [0, 3]], np.int32)).tolist() == [0, 1, -1, 0]


def test_posts_of_one_picture_share_a_group_named_by_the_first(landscapes: list[Image.Image]) -> None:
    two = signatures(landscapes[:2])
    again = signatures([landscapes[0]], 50)
    stored = np.concatenate([two[::-1], again])
    digests = np.array(["one", "two", "one again", "one", "two", "in another format"], dtype=object)
    groups = copy_groups(digests, stored, np.array([1, 0, 2, 1, 0, 0]))
    assert groups.tolist() == ["one", "two", "one", "one", "two", "two"]
