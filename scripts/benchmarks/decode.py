"""Decoding of a photo, against Pillow's open, convert and resize; on two threads, against one."""

import io
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.shared import Fixtures, Measurement, ratios
from likerank.images import to_pixels
from likerank.sources.synthetic.landscapes import draw, sample_scene


def decode(fixtures: Fixtures) -> Iterator[Measurement]:
    number, rounds = fixtures.sizes.decode.photos, fixtures.sizes.rounds
    # A photo's bytes decide more than its pixels: the decoder reads all bytes, also for small pixels.
    usual, grainy, heavy = (_drawn_photos(number, texture) for texture in (1, 2, 4))
    progressive = _drawn_photos(number, 4, progressive=True)
    kinds = (
        ("", usual, 7),
        (", grainy", grainy, None),
        (", heavy", heavy, None),
        (", progressive", progressive, None),
    )
    for kind, files, target in kinds:
        kilobytes = np.mean([len(file) for file in files]) / 1000
        compared = f"plain Pillow / to_pixels, one core, 1080x1350 JPEGs of {kilobytes:.0f} kB"
        plain, ours = partial(_decode_plainly, files), partial(_decode, files)
        yield Measurement(f"decode{kind}", compared, ratios(plain, ours, rounds), target)
    parts = [usual[start::8] for start in range(8)]

    def decode_by(pool: Executor) -> None:
        list(pool.map(_decode, parts))

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        measured = ratios(partial(decode_by, one), partial(decode_by, two), rounds)
    yield Measurement("decode, two threads", "to_pixels, one thread / two, as a snapshot's", measured, 1.7)


def _drawn_photos(number: int, texture: float, progressive: bool = False) -> list[bytes]:
    """Draws landscapes of Instagram's size; more texture makes larger files."""
    rng, photos = np.random.default_rng(0), []
    for _ in range(number):
        landscape = Image.fromarray(draw(sample_scene(rng))).resize((1080, 1350), Image.Resampling.BICUBIC)
        detailed = np.asarray(landscape) + rng.normal(0, texture, (1350, 1080, 1))
        file, rgb = io.BytesIO(), np.clip(detailed, 0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(file, "JPEG", quality=80, progressive=progressive)
        photos.append(file.getvalue())
    return photos


def _decode_plainly(photos: list[bytes]) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(io.BytesIO(p)).convert("RGB").resize((50, 50))) for p in photos]


def _decode(photos: list[bytes]) -> list[NDArray[np.uint8]]:
    return [to_pixels(photo, 50) for photo in photos]
