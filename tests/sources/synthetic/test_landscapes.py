"""Landscapes are fast to draw, all different, and have the appeal of the formula."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from likerank.sources.synthetic.landscapes import (
    APPEAL_SD,
    SIZE,
    Scene,
    appeal,
    draw,
    sample_look,
    sample_scene,
)


def scene_of(index: int) -> Scene:
    return sample_scene(np.random.default_rng(index))


def small(scene: Scene, side: int) -> NDArray[np.float64]:
    """Returns the drawing in grey, averaged to side x side."""
    grey = draw(scene).mean(axis=2)
    means: NDArray[np.float64] = grey.reshape(side, SIZE // side, side, SIZE // side).mean(axis=(1, 3))
    return means


@given(st.integers(0, 2**32))
def test_a_drawing_is_repeatable_and_of_the_promised_shape(index: int) -> None:
    picture = draw(scene_of(index))
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert np.array_equal(picture, draw(scene_of(index)))


def test_appeal_has_the_stated_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    values = np.array([appeal(sample_scene(rng)) for _ in range(20_000)])
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(APPEAL_SD, rel=0.02)


@given(st.integers(0, 2**32))
def test_appeal_is_invariant_to_mirroring(index: int) -> None:
    scene = scene_of(index)
    assert appeal(replace(scene, sun_x=1 - scene.sun_x)) == pytest.approx(appeal(scene))


@given(st.integers(0, 2**32))
def test_appeal_ignores_details(index: int) -> None:
    scene, other = scene_of(index), scene_of(index + 1)
    varied = replace(
        scene,
        sun_y=other.sun_y,
        ridges=other.ridges,
        roughness=other.roughness,
        trees=other.trees,
        details=other.details,
    )
    assert appeal(varied) == appeal(scene)


@pytest.mark.parametrize("part", ["sun_warmth", "sky_coolness", "daylight", "saturation"])
def test_appeal_factors_of_the_look_are_visible(part: str) -> None:
    for index in range(20):
        scene = scene_of(index)
        low, high = (draw(replace(scene, look=replace(scene.look, **{part: end}))) for end in (0.0, 1.0))
        assert np.abs(low.astype(float) - high).mean() > 2


@pytest.mark.parametrize(
    "ends",
    [
        ({"sun_x": 1 / 3}, {"sun_x": 1 / 2}),
        ({"reflection": 0.0}, {"reflection": 1.0}),
        ({"waterline": 0.52}, {"waterline": 0.62}),
    ],
)
def test_appeal_factors_of_the_scene_are_visible(ends: tuple[dict[str, Any], ...]) -> None:
    for index in range(20):
        low, high = (draw(replace(scene_of(index), **end)) for end in ends)
        assert np.abs(low.astype(float) - high).mean() > 2


def test_a_given_look_is_kept_and_changes_nothing_else() -> None:
    look = sample_look(np.random.default_rng(5))
    assert sample_scene(np.random.default_rng(1), look) == replace(scene_of(1), look=look)


@pytest.mark.slow
def test_no_two_of_1000_drawings_are_near_copies() -> None:
    thumbnails = np.stack([small(scene_of(index), 16) for index in range(1000)]).reshape(1000, -1)
    squared = (thumbnails**2).sum(axis=1)
    distances = squared[:, None] + squared - 2 * thumbnails @ thumbnails.T
    np.fill_diagonal(distances, np.inf)
    root_mean_square = np.sqrt(distances.min() / thumbnails.shape[1])
    assert root_mean_square > 3  # Of 255 levels; a copy that was saved again differs by less than one.
