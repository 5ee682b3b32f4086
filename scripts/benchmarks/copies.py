"""Near copies: the share of edited pictures that the search finds, its false pairs, and its seconds."""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from benchmarks.shared import Fixtures, Measurement, timed
from likerank.dataset.copies import copy_groups, near_pairs
from likerank.images import make_stored_image
from likerank.sources.synthetic.landscapes import draw, sample_scene

_CROPS: Final = (0.02, 0.05, 0.1, 0.2)


def copies(fixtures: Fixtures) -> Iterator[Measurement]:
    sizes, rng = fixtures.sizes.copies, np.random.default_rng(0)
    kinds = {"drawn": [Image.fromarray(draw(sample_scene(rng))) for _ in range(sizes.pictures)]}
    folder = Path(fixtures.photos) if fixtures.photos else None
    if folder is not None and folder.is_dir():
        kinds["photos"] = [Image.open(file).convert("RGB") for file in sorted(folder.rglob("*.jpg"))]
    for kind, pictures in kinds.items():
        yield from _searched(kind, pictures, sizes.edited)
    for number in sizes.searched:
        keys = np.arange(number).astype(str).astype(object)
        noise = rng.integers(0, 256, (number, 256), dtype=np.uint8)
        seconds = timed(partial(copy_groups, keys, noise, np.arange(number)))
        compared = "search among pictures of noise, one thread"
        yield Measurement(f"copies, {number:,}", compared, [seconds], unit=" s")


def _searched(kind: str, pictures: Sequence[Image.Image], number: int) -> Iterator[Measurement]:
    originals = _signatures(pictures, 95)
    pairs = len(pictures) * (len(pictures) - 1) / 2
    compared = f"pairs of {len(pictures):,} different pictures taken for near copies, of {pairs:,.0f}"
    yield Measurement(f"copies, {kind}, false", compared, [len(near_pairs(originals))], unit="")
    few = originals[:number]
    for name, (edit, quality) in _EDITS.items():
        edited = _signatures([edit(picture) for picture in pictures[:number]], quality)
        found = near_pairs(np.concatenate([few, edited]))
        caught = 100 * float((found[:, 1] - found[:, 0] == len(few)).sum()) / len(few)
        yield Measurement(f"copies, {kind}, {name}", f"caught of {len(few)}", [caught], unit=" %")


def _signatures(pictures: Sequence[Image.Image], quality: int) -> NDArray[np.uint8]:
    rows = []
    for picture in pictures:
        picture.convert("RGB").save(file := io.BytesIO(), "JPEG", quality=quality)
        rows.append(np.frombuffer(make_stored_image(file.getvalue(), "picture").signature, np.uint8))
    return np.stack(rows)


def _cropped(share: float, all_sides: bool, picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if not all_sides:
        return picture.crop((round(share * width), 0, width, height))
    x, y = round(share * width / 2), round(share * height / 2)
    return picture.crop((x, y, width - x, height - y))


def _sepia(picture: Image.Image) -> Image.Image:
    mixed = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return Image.fromarray(np.clip(np.asarray(picture) @ mixed.T, 0, 255).astype(np.uint8))


def _enhanced(
    kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float, picture: Image.Image
) -> Image.Image:
    return kind(picture).enhance(factor)


def _with_border(share: float, picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, max(1, round(share * min(picture.size))), "white")


def _with_box(picture: Image.Image) -> Image.Image:
    (width, height), marked = picture.size, picture.copy()
    corners = (0.7 * width, 0.88 * height, 0.95 * width, 0.95 * height)
    ImageDraw.Draw(marked).rectangle(corners, fill="white")
    return marked


def _shrunk(factor: float, picture: Image.Image) -> Image.Image:
    return picture.resize((round(factor * picture.width), round(factor * picture.height)))


_EDITS: Final[dict[str, tuple[Callable[[Image.Image], Image.Image], int]]] = {
    **{f"JPEG q {quality}": (lambda picture: picture, quality) for quality in (30, 50, 70, 90)},
    **{f"resized x{factor}": (partial(_shrunk, factor), 90) for factor in (0.5, 0.25)},
    **{f"cropped {each:.0%} of each side's length": (partial(_cropped, each, True), 90) for each in _CROPS},
    **{f"cropped {each:.0%} at the left": (partial(_cropped, each, False), 90) for each in _CROPS},
    **{f"brightness x{each}": (partial(_enhanced, ImageEnhance.Brightness, each), 90) for each in (0.7, 1.3)},
    **{f"contrast x{each}": (partial(_enhanced, ImageEnhance.Contrast, each), 90) for each in (0.7, 1.3)},
    **{f"saturation x{each}": (partial(_enhanced, ImageEnhance.Color, each), 90) for each in (0.5, 1.5)},
    "gray": (ImageOps.grayscale, 90),
    "sepia": (_sepia, 90),
    "mirrored": (ImageOps.mirror, 90),
    **{f"white border of {each:.0%}": (partial(_with_border, each), 90) for each in (0.02, 0.05)},
    "white box on 2 %": (_with_box, 90),
}
"""The edit and the JPEG quality of the edited file, by name."""
