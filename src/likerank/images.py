"""Pictures: a file's bytes to an upright RGB stored image, and that to the pixels that models see."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops, UnidentifiedImageError

from likerank.errors import LikerankError

PIPELINE_VERSION: Final = 1
"""Part of a snapshot's fingerprint: raise it when the same file would give other pixels."""

# Pillow knows more, and some of those start other programs (EPS) or are no photos (FITS, ICO).
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
# Pillow reads the thumbnail in some of them as a picture.
_RAW_ENDINGS: Final = (
    ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".orf", ".rw2", ".raf", ".pef",
    ".srw", ".x3f", ".3fr", ".iiq", ".erf", ".kdc",
)  # fmt: skip
_MOST_PIXELS: Final = 100_000_000
_MOST_PIXELS_OF_JPEG: Final = 500_000_000
"""Above `_MOST_PIXELS`, libjpeg reduces while it decodes, so that memory stays bounded."""
_LARGE: Final = 24_000_000
_MOST_SCANS: Final = 100  # Cameras and programs write some 10; each costs as much as the whole picture.
_ROWS_AT_ONCE: Final = 256
_SHORTEST_SIDE: Final = 8
_LONGEST_SIDE: Final = 65_500  # A JPEG's.
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
_large_one: AbstractContextManager[Any] = threading.Lock()


def decode_large_photos_under(lock: AbstractContextManager[Any]) -> None:
    """Makes this process decode its large photos under a lock that it shares with others.

    Photos of more than 24 megapixels are decoded one at a time, so that memory does not grow with the cores.
    """
    global _large_one
    _large_one = lock


def is_raw(name: str) -> bool:
    """Returns whether a file's name is that of a camera's raw picture."""
    return name.lower().endswith(_RAW_ENDINGS)


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
        data: The picture's file: JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF; HEIC with the extra `heic`.
        name: The picture's name in errors.
        long_side: The most pixels that the longer side may have, 8 to 65,500.

    Raises:
        NotAPhotoError: If it is another kind of file, is damaged, has too many pixels (100 million, as a JPEG
            500 million; checked before decoding), too many scans or a side under 8 pixels.
        LikerankError: If `long_side` is out of its range.
    """
    check_long_side(long_side, "long_side")
    with _upright_rgb(data, name) as image:
        return _stored(image, long_side)


def check_long_side(long_side: object, key: str) -> None:
    """Refuses a long side of stored images that would lose the picture.

    Args:
        long_side: The value.
        key: The key that gives it, for the message.

    Raises:
        LikerankError: If it is no whole number of 8 to 65,500.
    """
    if not isinstance(long_side, int) or not _SHORTEST_SIDE <= long_side <= _LONGEST_SIDE:
        raise LikerankError(
            f"{key} is {long_side}; it is the long side of stored images in pixels: {_SHORTEST_SIDE} to "
            f"{_LONGEST_SIDE:,}, such as 512."
        )


def _stored(image: Image.Image, long_side: int) -> StoredImage:
    digest = sha256(f"{image.width}x{image.height}:".encode())
    for top in range(0, image.height, _ROWS_AT_ONCE):  # In parts: the bytes are a copy.
        bottom = min(top + _ROWS_AT_ONCE, image.height)
        digest.update(image.crop((0, top, image.width, bottom)).tobytes())
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


@contextmanager
def _upright_rgb(data: bytes, name: str) -> Iterator[Image.Image]:
    """Yields the decoded picture; a large one while no other is decoded."""
    with _opened(data, name) as image:
        large = image.width * image.height > _LARGE
        with _large_one if large else nullcontext():
            try:
                image.load()
                orientation = _orientation(image)
                rgb = _rgb(image)
            # A damaged file makes a decoder raise anything, and must not end the ingest of the others.
            except MemoryError:
                raise
            except Exception as error:
                raise NotAPhotoError(f"{name} cannot be decoded: {error}.") from error
            yield rgb.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else rgb


def _opened(data: bytes, name: str) -> Image.Image:
    """Opens a picture whose header says that it can be decoded in bounded time and memory."""
    if is_raw(name):
        raise NotAPhotoError(f"{name} is a camera's raw picture; export it as a JPEG.")
    formats = (*_FORMATS, "HEIF") if _is_heif(data, name) else _FORMATS
    try:
        with _pillow_warnings_ignored():
            image: Image.Image = Image.open(BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        raise NotAPhotoError(f"{name} is not a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF picture.") from error
    except Exception as error:
        raise NotAPhotoError(f"{name} cannot be decoded: {error}.") from error
    size, pixels = f"{image.width}x{image.height} pixels", image.width * image.height
    is_jpeg = image.format in ("JPEG", "MPO")
    most = _MOST_PIXELS_OF_JPEG if is_jpeg and "progressive" not in image.info else _MOST_PIXELS
    if pixels > most:
        raise NotAPhotoError(f"{name} has {size}, more than {most:,} in all.")
    if min(image.size) < _SHORTEST_SIDE:
        raise NotAPhotoError(f"{name} has {size}; a photo has {_SHORTEST_SIDE} or more a side.")
    if image.mode in ("I", "F"):
        raise NotAPhotoError(f"{name} has 32-bit pixels without a known white; save it with 8 or 16 bits.")
    if is_jpeg and (scans := data.count(b"\xff\xda")) > _MOST_SCANS:
        raise NotAPhotoError(f"{name} has {scans:,} scans, which no camera writes.")
    if pixels > _MOST_PIXELS:
        image.draft("RGB", (image.width // 2, image.height // 2))
    return image


def _is_heif(data: bytes, name: str) -> bool:
    """Returns whether a file is HEIC, as iPhones write; it can be decoded then."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIF_BRANDS or b"avif" in data[8:64]:
        return False
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise NotAPhotoError(
            f"{name} is a HEIC picture: pip install 'likerank[heic]', or export it as a JPEG."
        ) from error
    return True


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
        # Its own limit is lower than what phones take.
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = most
