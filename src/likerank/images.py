"""Pictures: a file's bytes to an upright RGB stored image, and that to the pixels that models see."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops, UnidentifiedImageError

from likerank.errors import LikerankError

PIPELINE_VERSION: Final = 1
"""Part of a snapshot's fingerprint: raise it when the same file would give other pixels."""

# Pillow knows more, and some of those start other programs (EPS) or are no photos (FITS, ICO).
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
_MOST_PIXELS: Final = 100_000_000
_SHORTEST_SIDE: Final = 8
# Two thirds of the size of 95, and the 50x50 pixels of real photos differ by 0.4 of 255 levels at most.
_QUALITY: Final = 90

SIGNATURE_SIDE: Final = 16
"""Height and width of a stored image's signature, in pixels."""

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation to the operation that turns the picture upright (EXIF 2.32, tag 0x0112)."""

_warnings_lock: Final = threading.Lock()


class NotAPhotoError(LikerankError):
    """Exception for a file that is not a supported photo; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """The one copy of a picture that is kept, and that pixels of any size are made from.

    Attributes:
        jpeg: An upright RGB JPEG without metadata.
        width: Its width in pixels.
        height: Its height in pixels.
        digest: SHA-256 (hex) of the size and the upright RGB pixels of the picture it was made from, so
            copies with other metadata or in another lossless format share it.
        signature: The luminance of `jpeg` on a grid of `SIGNATURE_SIDE` squared pixels, by rows, a byte
            each, by which near copies are found.
    """

    jpeg: bytes
    width: int
    height: int
    digest: str
    signature: bytes


def make_stored_image(data: bytes, name: str, long_side: int = 512) -> StoredImage:
    """Makes a stored image: upright, RGB, transparency on white, the first frame of an animation.

    16-bit pixels keep their high byte, colour profiles are ignored, and nothing is enlarged.

    Args:
        data: The picture's file: JPEG, PNG, WebP, GIF, TIFF or BMP.
        name: The picture's name in errors.
        long_side: The most pixels that the longer side may have.

    Raises:
        NotAPhotoError: If it is another kind of file, is damaged, has more than 100 million pixels (checked
            before decoding) or a side under 8 pixels.
    """
    image = _upright_rgb(data, name)
    digest = sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    scale = long_side / max(image.size)
    if scale < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2)
    file = BytesIO()
    image.info.clear()
    image.save(file, "JPEG", quality=_QUALITY)
    jpeg = file.getvalue()
    return StoredImage(jpeg, image.width, image.height, digest.hexdigest(), signature_of(jpeg))


def read_stored_image(jpeg: bytes, name: str, digest: str) -> StoredImage:
    """Reads a stored image that was made before, with the digest beside it, to be kept byte for byte.

    Raises:
        NotAPhotoError: If the JPEG is damaged.
    """
    try:
        with Image.open(BytesIO(jpeg), formats=("JPEG",)) as image:
            width, height = image.size
        signature = signature_of(jpeg)  # Even a small decode reads every byte.
    except Exception as error:
        raise NotAPhotoError(f"{name} is a damaged stored image ({error}); export it again.") from error
    return StoredImage(jpeg, width, height, digest, signature)


def signature_of(jpeg: bytes) -> bytes:
    """Returns the signature of a stored image's JPEG; see `StoredImage`."""
    return _reduced(jpeg, "L", SIGNATURE_SIDE).tobytes()


def to_pixels(jpeg: bytes, size: int) -> NDArray[np.uint8]:
    """Decodes a stored image's JPEG to the pixels that a model sees, squashed to a square as in the paper.

    Returns:
        Array of shape (size, size, 3), uint8, RGB, 0 to 255.
    """
    return np.asarray(_reduced(jpeg, "RGB", size))


def _reduced(jpeg: bytes, mode: str, size: int) -> Image.Image:
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as image:
        # libjpeg decodes to 1/2, 1/4 or 1/8 at a fraction of the cost; twice the size leaves the last step,
        # which decides on aliasing, to the better filter.
        reduced = image.draft(mode, (2 * size, 2 * size))
        box = reduced[1] if reduced else None  # Where the picture ends in its last, partial pixel.
        decoded = image if image.mode == mode else image.convert(mode)
        return decoded.resize((size, size), Image.Resampling.BICUBIC, box)


def to_thumbnail(jpeg: bytes, long_side: int) -> NDArray[np.uint8]:
    """Decodes a stored image's JPEG to a small picture for people to look at, in its own shape.

    Returns:
        Array of shape (height, width, 3), uint8, RGB; the longer side has `long_side` pixels at most.
    """
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as image:
        image.thumbnail((long_side, long_side))
        return np.asarray(image.convert("RGB"))


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Encodes a drawing as a JPEG that keeps the full resolution of its colours (4:4:4).

    Args:
        rgb: Array of shape (height, width, 3), uint8, RGB.
        quality: JPEG quality, 1 to 95.
    """
    file = BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling="4:4:4")
    return file.getvalue()


def _upright_rgb(data: bytes, name: str) -> Image.Image:
    try:
        with _pillow_warnings_ignored():
            image: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise NotAPhotoError(f"{name} is not a JPEG, PNG, WebP, GIF, TIFF or BMP picture.") from error
    except Image.DecompressionBombError as error:
        raise NotAPhotoError(f"{name} has more than {_MOST_PIXELS:,} pixels.") from error
    except Exception as error:
        raise NotAPhotoError(f"{name} cannot be decoded: {error}.") from error
    with image:
        size = f"{image.width}x{image.height} pixels"
        if image.width * image.height > _MOST_PIXELS:
            raise NotAPhotoError(f"{name} has {size}, more than {_MOST_PIXELS:,} in all.")
        if min(image.size) < _SHORTEST_SIDE:
            raise NotAPhotoError(f"{name} has {size}; a photo has {_SHORTEST_SIDE} or more a side.")
        if image.mode in ("I", "F"):
            raise NotAPhotoError(
                f"{name} has 32-bit pixels without a known white; save it with 8 or 16 bits."
            )
        try:
            image.load()
            orientation = _orientation(image)
            rgb = _rgb(image)
        # A damaged file makes a decoder raise anything, and must not end the ingest of the others.
        except MemoryError:
            raise
        except Exception as error:
            raise NotAPhotoError(f"{name} cannot be decoded: {error}.") from error
    return rgb.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else rgb


def _orientation(image: Image.Image) -> int:
    try:
        with _pillow_warnings_ignored():
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1  # Damaged metadata beside a good picture.


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 in some of its versions.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        image = ImageChops.invert(image)  # Only Adobe stores ink inverted; Pillow takes all for Adobe's.
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


@contextmanager
def _pillow_warnings_ignored() -> Iterator[None]:
    # The filters belong to the whole process: threads that change them at once leave them changed. Only
    # headers are read under the lock, so decoding still runs in parallel.
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
