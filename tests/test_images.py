"""Any photo becomes an upright stored image with the right colours; other files are refused by name."""

import io
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from likerank import images
from likerank.errors import LikerankError
from likerank.images import NotAPhotoError, make_stored_image, read_stored_image, to_pixels

Pixels = NDArray[np.uint8]


def photo(width: int = 120, height: int = 80) -> Image.Image:
    """Four quarters: red, green, blue and grey, so that every turn of the picture shows."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (220, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 40)
    pixels[height // 2 :, : width // 2] = (20, 40, 210)
    pixels[height // 2 :, width // 2 :] = (128, 128, 128)
    return Image.fromarray(pixels)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A photo's spectrum: much at large scales, little at small ones."""
    generator = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(generator.integers(0, 256, (2 * scale, 2 * scale, 3), dtype=np.uint8)).resize(
                (width, height)
            )
        )
        / 3
        for scale in (2, 8, 32)
    ]
    return Image.fromarray(np.sum(layers, axis=0).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(jpeg: bytes) -> NDArray[np.int_]:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def quarters(jpeg: bytes) -> list[tuple[int, ...]]:
    pixels = decoded(jpeg)
    height, width = pixels.shape[:2]
    places = [(y, x) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [tuple(pixels[place]) for place in places]


def assert_close(jpeg: bytes, expected: Image.Image, tolerance: int = 6) -> None:
    for found, wanted in zip(quarters(jpeg), quarters(encoded(expected, "PNG")), strict=True):
        assert np.abs(np.subtract(found, wanted)).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_photo_of_any_format_keeps_its_colours(kind: str) -> None:
    stored = make_stored_image(encoded(photo(), kind), "photo")
    assert (stored.width, stored.height) == (120, 80)
    assert_close(stored.jpeg, photo(), tolerance=12)


def test_a_stored_image_is_an_rgb_jpeg_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = encoded(photo(), exif=exif, comment=b"a comment", icc_profile=b"a profile")
    image = Image.open(io.BytesIO(make_stored_image(data, "photo").jpeg))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert not image.getexif()
    assert not {"comment", "icc_profile", "exif"} & set(image.info)


@pytest.mark.parametrize(
    ("size", "expected"), [((2048, 1024), (512, 256)), ((300, 900), (171, 512)), ((90, 70), (90, 70))]
)
def test_the_long_side_is_bounded_and_nothing_is_enlarged(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    stored = make_stored_image(encoded(photo(*size)), "photo", long_side=512)
    assert (stored.width, stored.height) == expected
    assert Image.open(io.BytesIO(stored.jpeg)).size == expected


def test_a_very_long_photo_keeps_at_least_a_pixel_of_breadth() -> None:
    assert make_stored_image(encoded(photo(9000, 8)), "photo", long_side=512).height == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int, kind: str) -> None:
    turned_by = {
        1: lambda pixels: pixels,
        2: lambda pixels: pixels[:, ::-1],
        3: lambda pixels: pixels[::-1, ::-1],
        4: lambda pixels: pixels[::-1],
        5: lambda pixels: pixels.swapaxes(0, 1),
        6: lambda pixels: pixels.swapaxes(0, 1)[::-1],
        7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    }
    stored = Image.fromarray(np.ascontiguousarray(turned_by[orientation](np.asarray(photo()))))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = make_stored_image(encoded(stored, kind, exif=exif), "photo")
    assert (turned.width, turned.height) == (120, 80)
    assert_close(turned.jpeg, photo(), tolerance=12)


@pytest.mark.parametrize("damage", ["no TIFF header", "endless entries", "a word for the orientation"])
def test_damaged_exif_does_not_spoil_a_photo(damage: str) -> None:
    exif = {
        "no TIFF header": b"Exif\0\0" + b"\xee" * 40,
        "endless entries": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 40,
        "a word for the orientation": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\2\0\0\0\4abc\0\0\0\0\0",
    }[damage]
    assert_close(make_stored_image(encoded(photo(), exif=exif), "photo").jpeg, photo())


def test_cmyk_keeps_its_colours() -> None:
    # Pillow writes CMYK the way Adobe does, inverted and with Adobe's marker.
    data = encoded(photo().convert("CMYK"), quality=95)
    assert b"Adobe" in data
    assert_close(make_stored_image(data, "photo").jpeg, photo(), tolerance=12)


def test_cmyk_without_adobes_marker_is_not_inverted() -> None:
    data = encoded(Image.eval(photo().convert("CMYK"), lambda ink: 255 - ink), quality=95)
    at = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[at + 2 : at + 4])[0]
    plain = data[:at] + data[at + 2 + length :]
    assert b"Adobe" not in plain
    assert_close(make_stored_image(plain, "photo").jpeg, photo(), tolerance=12)


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    pixels = decoded(make_stored_image(encoded(Image.fromarray(ramp), "PNG"), "photo").jpeg)
    assert np.abs(pixels[..., 0] - np.arange(256)).max() <= 4


def test_16_bit_colour_is_scaled_and_not_clipped() -> None:
    eight = np.asarray(photo())
    rows = b"".join(b"\0" + row.astype(">u2").__mul__(257).astype(">u2").tobytes() for row in eight)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 120, 80, 16, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert_close(make_stored_image(png, "photo").jpeg, photo())


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_becomes_rgb(mode: str) -> None:
    grey = photo().convert(mode, dither=Image.Dither.NONE)
    assert_close(make_stored_image(encoded(grey, "PNG"), "photo").jpeg, grey.convert("RGB"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_turns_white(kind: str) -> None:
    image = photo().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 60, 40))
    found = quarters(make_stored_image(encoded(image, kind, lossless=True), "photo").jpeg)
    assert min(found[0]) >= 250
    assert found[1] == pytest.approx((30, 200, 40), abs=6)


def test_a_transparent_palette_turns_white() -> None:
    image = photo().quantize(8)
    index = image.getpixel((10, 10))
    data = encoded(image, "PNG", transparency=index)
    found = quarters(make_stored_image(data, "photo").jpeg)
    assert min(found[0]) >= 250
    assert found[1] == pytest.approx((30, 200, 40), abs=6)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    second = Image.new("RGB", (120, 80), "black")
    data = encoded(photo(), kind, save_all=True, append_images=[second])
    assert_close(make_stored_image(data, "photo").jpeg, photo(), tolerance=12)


def test_lossless_copies_and_other_metadata_share_a_digest() -> None:
    jpeg = encoded(noise(700, 500))
    pixels = Image.open(io.BytesIO(jpeg)).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = 6
    app1 = exif.tobytes()
    tagged = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + jpeg[2:]
    del exif[0x0112]
    app1 = exif.tobytes()
    renamed = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + jpeg[2:]
    lossless = [encoded(pixels, "PNG"), encoded(pixels, "WEBP", lossless=True), encoded(pixels, "BMP")]
    digests = {make_stored_image(data, "photo").digest for data in (jpeg, renamed, *lossless)}
    assert len(digests) == 1
    assert make_stored_image(tagged, "photo").digest not in digests
    turned = encoded(pixels.transpose(Image.Transpose.ROTATE_270), "PNG")
    assert make_stored_image(tagged, "photo").digest == make_stored_image(turned, "photo").digest


def test_a_changed_pixel_or_shape_changes_the_digest() -> None:
    one = photo()
    other = one.copy()
    other.putpixel((3, 3), (219, 30, 30))
    tall = Image.new("RGB", (16, 32), "white")
    digests = [
        make_stored_image(encoded(image, "PNG"), "photo").digest
        for image in (one, other, tall, tall.transpose(Image.Transpose.ROTATE_90))
    ]
    assert len(set(digests)) == 4


def test_the_same_file_gives_the_same_stored_image() -> None:
    data = encoded(noise(900, 700))
    assert make_stored_image(data, "photo") == make_stored_image(data, "another name")


def a_bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BAD: dict[str, Callable[[], bytes]] = {
    "truncated.jpg": lambda: encoded(noise(400, 300))[:-2000],
    "half.png": lambda: (data := encoded(noise(400, 300), "PNG"))[: len(data) // 2],
    "text.jpg": lambda: b"This is only text.\n" * 40,
    "page.jpg": lambda: b"<!DOCTYPE html><html><body>Not found</body></html>",
    "empty.jpg": lambda: b"",
    "start.jpg": lambda: b"\xff\xd8\xff",
    "bomb.png": lambda: a_bomb(60_000, 60_000),
    "large.png": lambda: a_bomb(10_000, 10_001),
    "dot.png": lambda: encoded(Image.new("RGB", (1, 1)), "PNG"),
    "line.png": lambda: encoded(Image.new("RGB", (600, 7)), "PNG"),
    "program.eps": lambda: encoded(photo(), "EPS"),
    "float.tif": lambda: encoded(Image.fromarray(np.ones((20, 20), dtype=np.float32)), "TIFF"),
}


@pytest.mark.parametrize("name", BAD)
def test_another_file_than_a_photo_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotAPhotoError) as refusal:
        make_stored_image(BAD[name](), f"folder/{name}")
    message = str(refusal.value)
    assert message.startswith(f"folder/{name} ")
    assert message.endswith(".")
    assert "\n" not in message
    assert isinstance(refusal.value, LikerankError)


@settings(max_examples=4 * settings().max_examples)
@given(st.data())
def test_a_damaged_file_is_a_photo_or_refused_and_nothing_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
    file = bytearray(encoded(photo(40, 24), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    del file[data.draw(st.integers(1, len(file))) :]
    try:
        stored = make_stored_image(bytes(file), "photo")
    except NotAPhotoError:
        return
    assert to_pixels(stored.jpeg, 10).shape == (10, 10, 3)


def test_pillow_says_nothing_and_keeps_its_settings() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    broken_exif = encoded(photo(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_stored_image(broken_exif, "photo")
        for name in ("large.png", "bomb.png", "truncated.jpg"):
            with pytest.raises(NotAPhotoError):
                make_stored_image(BAD[name](), name)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    data = encoded(photo())
    before = list(warnings.filters)
    together = threading.Barrier(8)

    def work(_: int) -> str:
        together.wait()
        return [make_stored_image(data, "photo").digest for _ in range(20)][-1]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(8)))) == 1
    assert list(warnings.filters) == before


def test_a_stored_image_that_travels_keeps_every_byte() -> None:
    stored = make_stored_image(encoded(noise(900, 700)), "photo")
    assert read_stored_image(stored.jpeg, "photo", stored.digest) == stored


@pytest.mark.parametrize("damaged", ["cut off", "empty", "PNG"])
def test_a_damaged_stored_image_is_refused_by_name(damaged: str) -> None:
    jpeg = make_stored_image(encoded(noise(900, 700)), "photo").jpeg
    data = {"cut off": jpeg[:-500], "empty": b"", "PNG": encoded(photo(), "PNG")}[damaged]
    with pytest.raises(NotAPhotoError, match=r"^posts\.jsonl, post 7 "):
        read_stored_image(data, "posts.jsonl, post 7", "digest")


@pytest.mark.parametrize("size", [1, 50, 64, 224])
@pytest.mark.parametrize("shape", [(512, 410), (8, 8), (100, 512), (50, 50)])
def test_pixels_are_a_square_of_rgb_bytes(shape: tuple[int, int], size: int) -> None:
    pixels = to_pixels(make_stored_image(encoded(photo(*shape)), "photo").jpeg, size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("seed", range(4))
def test_reduced_decoding_stays_close_to_decoding_in_full(seed: int) -> None:
    jpeg = encoded(noise(1080, 1350, seed), quality=90)
    full = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB").resize((50, 50))).astype(int)
    difference = np.abs(to_pixels(jpeg, 50) - full)
    assert difference.mean() < 0.6
    assert difference.max() <= 6


def test_a_stored_image_keeps_nearly_all_of_the_pixels() -> None:
    data = encoded(noise(1080, 1350), quality=95)
    full = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((50, 50))).astype(int)
    difference = np.abs(to_pixels(make_stored_image(data, "photo").jpeg, 50) - full)
    assert difference.mean() < 0.8


def test_real_posters_all_become_stored_images(shared_data: Path) -> None:
    posters = sorted((shared_data / "movie_posters" / "images").iterdir())[:60]
    for poster in posters:
        stored = make_stored_image(poster.read_bytes(), str(poster))
        assert max(stored.width, stored.height) <= 512
        assert to_pixels(stored.jpeg, 50).std() > 1


def flat(width: int, height: int, kind: str = "JPEG", **options: object) -> bytes:
    return encoded(Image.new("RGB", (width, height), (90, 120, 40)), kind, **options)


def test_a_phones_200_megapixels_are_read_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[int, int]] = []
    load = images._rgb

    def seen(image: Image.Image) -> Image.Image:
        loaded.append(image.size)
        return load(image)

    monkeypatch.setattr(images, "_rgb", seen)
    stored = make_stored_image(flat(16320, 12240, quality=30), "phone.jpg")
    assert (stored.width, stored.height) == (512, 384)
    assert loaded == [(8160, 6120)]
    assert np.abs(decoded(stored.jpeg)[200, 200] - (90, 120, 40)).max() < 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: flat(12000, 9000, progressive=True, quality=10), "12000x9000 pixels, more than 100,000,000"),
        (lambda: flat(12000, 9000, "PNG", compress_level=1), "12000x9000 pixels, more than 100,000,000"),
    ],
)
def test_what_cannot_be_reduced_while_it_is_decoded_is_refused(
    data: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(NotAPhotoError, match=reason):
        make_stored_image(data(), "large")


def test_a_jpeg_of_thousands_of_scans_is_refused_before_decoding() -> None:
    data = flat(64, 64, progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    make_stored_image(data[:-2] + 50 * scan + data[-2:], "some.jpg")
    with pytest.raises(NotAPhotoError, match=r"bomb\.jpg has 3,\d+ scans, which no camera writes"):
        make_stored_image(data[:-2] + 3000 * scan + data[-2:], "bomb.jpg")


def test_large_photos_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0
    convert = images._rgb

    def counted(image: Image.Image) -> Image.Image:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return convert(image)
        finally:
            at_once -= 1

    monkeypatch.setattr(images, "_rgb", counted)
    monkeypatch.setattr(images, "_LARGE", 1000)
    data = flat(800, 800)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: make_stored_image(data, "a.jpg"), range(40)))
    assert most == 1


@pytest.mark.parametrize("long_side", [0, -5, 7, 70_000, 1.5, None, "512"])
def test_a_long_side_that_would_lose_the_picture_is_refused(long_side: object) -> None:
    with pytest.raises(LikerankError, match=r"long_side is .* 8 to 65,500"):
        make_stored_image(flat(64, 64), "a.jpg", long_side)  # type: ignore[arg-type]


def test_heic_is_read_and_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    data = encoded(photo(), "HEIF", quality=95)
    assert np.abs(decoded(make_stored_image(data, "a.heic").jpeg)[10, 10] - (220, 30, 30)).max() < 12
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(NotAPhotoError, match=r"a\.heic is a HEIC picture: pip install 'likerank\[heic\]'"):
        make_stored_image(data, "a.heic")


@pytest.mark.parametrize("name", ["IMG_1.CR2", "a.dng", "b.NEF"])
def test_a_raw_picture_is_not_taken_for_its_thumbnail(name: str) -> None:
    with pytest.raises(NotAPhotoError, match="is a camera's raw picture"):
        make_stored_image(encoded(photo(), "TIFF"), name)
