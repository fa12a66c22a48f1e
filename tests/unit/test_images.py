"""Every odd file that a shop or a phone sends; each is made here."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from shoplens import deadlines, images
from shoplens.domain import Pixels
from shoplens.errors import InvalidArgument, Overloaded, PictureTooLarge, UnreadablePicture
from shoplens.images import WORKING_SIDE, content_hash, decode, media_type, photo

RED, GREEN, BLUE, WHITE = (220, 30, 40), (20, 160, 60), (30, 60, 200), (255, 255, 255)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def quarters(width: int = 160, height: int = 120) -> Image.Image:
    """Red, green, blue and white quarters, so that every turn and flip shows."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, WHITE
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def shows_quarters(pixels: Pixels, tolerance: int = 12) -> bool:
    height, width = pixels.shape[:2]
    corners = [(1, 1, RED), (1, 3, GREEN), (3, 1, BLUE), (3, 3, WHITE)]
    return all(np.abs(pixels[height * y // 4, width * x // 4].astype(int) - colour).max() <= tolerance for y, x, colour in corners)


def png_header(width: int, height: int) -> bytes:
    """A well-formed PNG of any size that takes no space."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_and_named(kind: str) -> None:
    content = encoded(quarters(), kind)
    picture = decode(content)
    assert shows_quarters(picture.pixels)
    assert picture.pixels.shape == (120, 160, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert (picture.width, picture.height) == (160, 120)
    assert picture.content_hash == content_hash(content)
    assert media_type(content) == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", FORMATS)
def test_decoding_is_deterministic(kind: str) -> None:
    content = encoded(quarters(1200, 800), kind)
    assert np.array_equal(decode(content).pixels, decode(content).pixels)


@pytest.mark.parametrize(
    ("kind", "size"),
    [*product(["JPEG", "PNG", "WEBP", "TIFF"], [(1400, 1100), (1025, 10)]), ("JPEG", (3000, 2000)), ("JPEG", (2000, 3000))],
)
def test_a_large_picture_is_scaled_and_keeps_its_size_in_mind(kind: str, size: tuple[int, int]) -> None:
    picture = decode(encoded(quarters(*size), kind))
    assert max(picture.pixels.shape) == WORKING_SIDE
    assert picture.pixels.shape[0] == max(1, round(size[1] * WORKING_SIDE / max(size)))
    assert (picture.width, picture.height) == size
    assert shows_quarters(picture.pixels)


@pytest.mark.parametrize(
    ("kind", "size"),
    [("JPEG", (160, 120)), ("JPEG", (2400, 1800)), ("PNG", (160, 120)), ("WEBP", (160, 120)), ("TIFF", (160, 120)), ("TIFF", (1200, 900))],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(kind: str, size: tuple[int, int], orientation: int) -> None:
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = quarters(*size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(encoded(image.transpose(stored) if stored is not None else image, kind, exif=exif))
    assert shows_quarters(picture.pixels)
    assert (picture.width, picture.height) == size
    assert picture.pixels.shape == decode(encoded(image, kind)).pixels.shape


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_that_comes_again_is_the_same_and_decoded_only_where_it_is_looked_at(
    kind: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(quarters(2400, 1800 + orientation), kind, exif=exif)  # not every format tells its orientation
    expected, opened = decode(content), []
    monkeypatch.setattr("shoplens.images.decode", lambda given: opened.append(given) or decode(given))
    first = photo(content)
    assert opened == [content]
    again = photo(content)
    for picture in (first, again):
        assert (picture.content_hash, picture.width, picture.height) == (expected.content_hash, expected.width, expected.height)
    assert opened == [content]
    for _ in range(2):
        np.testing.assert_array_equal(again.pixels, expected.pixels)
    assert opened == [content, content]


def test_a_damaged_photo_is_refused_however_often_it_comes() -> None:
    damaged = encoded(noise(300, 200), "JPEG")[:-2000]
    for _ in range(2):
        with pytest.raises(UnreadablePicture, match="truncated"):
            photo(damaged)
        with pytest.raises(UnreadablePicture, match="not a picture"):
            photo(b"nonsense")


@pytest.mark.parametrize("junk", [b"Exif\x00\x00", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", b"Exif\x00\x00" + bytes(200)])
def test_a_damaged_exif_block_does_not_cost_the_picture(junk: bytes) -> None:
    assert shows_quarters(decode(encoded(quarters(), "JPEG", exif=junk)).pixels)


def test_transparency_is_laid_on_white() -> None:
    image = quarters().convert("RGBA")
    image.putalpha(Image.fromarray(np.pad(np.full((60, 80), 255, np.uint8), ((0, 60), (0, 80)))))
    pixels = decode(encoded(image, "PNG")).pixels
    assert tuple(pixels[30, 40]) == RED
    assert tuple(pixels[30, 120]) == WHITE
    assert tuple(pixels[90, 40]) == WHITE


def test_scaling_lets_no_hidden_colour_through_the_edges() -> None:
    image = np.zeros((2048, 2048, 4), np.uint8)
    image[..., :3] = RED
    image[:1001, :1001, :3], image[:1001, :1001, 3] = GREEN, 255  # red is fully transparent: only green and white may show
    pixels = decode(encoded(Image.fromarray(image), "PNG")).pixels.astype(int)
    assert pixels[500, 500][0] > GREEN[0]
    assert (pixels[..., 1] >= GREEN[1]).all()


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "PA"])
def test_grey_palette_and_bilevel(mode: str) -> None:
    pixels = decode(encoded(quarters().convert(mode), "PNG" if mode != "PA" else "TIFF")).pixels
    assert pixels.shape == (120, 160, 3)
    assert tuple(pixels[90, 120]) == WHITE


def test_a_transparent_palette() -> None:
    image = quarters().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    pixels = decode(encoded(image, "PNG", transparency=image.getpixel((1, 1)))).pixels
    assert tuple(pixels[30, 40]) == WHITE
    assert np.abs(pixels[30, 120].astype(int) - GREEN).max() <= 12


def test_sixteen_bits_of_grey_are_scaled_not_clipped() -> None:
    ramp = np.tile(np.arange(0, 65536, 256, dtype=np.uint16), (8, 1))
    ok, content = cv2.imencode(".png", ramp)
    assert ok
    pixels = decode(content.tobytes()).pixels
    assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_sixteen_bits_of_colour() -> None:
    ok, content = cv2.imencode(".png", np.asarray(quarters())[..., ::-1].astype(np.uint16) * 257)
    assert ok
    assert shows_quarters(decode(content.tobytes()).pixels)


def test_float_samples_are_refused_with_advice() -> None:
    with pytest.raises(UnreadablePicture, match="floating-point"):
        decode(encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"))


def test_cmyk() -> None:
    pixels = decode(encoded(quarters().convert("CMYK"), "JPEG", quality=95)).pixels
    assert shows_quarters(pixels, tolerance=25)


def test_a_colour_profile_is_heeded_and_a_damaged_one_ignored() -> None:
    plain = decode(encoded(quarters(), "PNG")).pixels
    # A Lab profile fits no RGB picture, like a profile of another device left behind by an editor.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"not a profile", lab, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        assert np.array_equal(decode(encoded(quarters(), "PNG", icc_profile=profile)).pixels, plain)


def test_the_first_frame_of_an_animation() -> None:
    other = Image.new("RGB", (160, 120), "black")
    for kind in ("GIF", "WEBP", "PNG"):
        picture = decode(encoded(quarters(), kind, save_all=True, append_images=[other], duration=100))
        assert shows_quarters(picture.pixels), kind


def test_a_phones_two_in_one_jpeg() -> None:
    content = encoded(quarters(), "MPO", save_all=True, append_images=[quarters()])
    assert shows_quarters(decode(content).pixels)
    assert media_type(content) == "image/jpeg"


@pytest.mark.parametrize("kind", FORMATS)
def test_one_pixel(kind: str) -> None:
    assert decode(encoded(Image.new("RGB", (1, 1), RED), kind)).pixels.shape == (1, 1, 3)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.parametrize("share", [0.2, 0.9, 0.99])
@pytest.mark.parametrize("size", [(300, 200), (2400, 1200)])
def test_a_truncated_jpeg_is_refused(options: dict[str, Any], share: float, size: tuple[int, int]) -> None:
    content = encoded(noise(*size), "JPEG", **options)
    with pytest.raises(UnreadablePicture, match="truncated"):
        decode(content[: int(len(content) * share)])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_truncated_format_is_refused(kind: str) -> None:
    content = encoded(noise(300, 200), kind)
    with pytest.raises(UnreadablePicture):
        decode(content[: len(content) // 2])


@pytest.mark.parametrize("content", [b"", b"\x00", b"<html>no</html>", b"\xff\xd8\xff", b"%PDF-1.7", b"GIF89a"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    for function in (decode, media_type):
        with pytest.raises(UnreadablePicture, match="send"):
            function(content)


def test_heic_is_named() -> None:
    with pytest.raises(UnreadablePicture, match="HEIC"):
        decode(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")


def test_too_many_bytes() -> None:
    with pytest.raises(PictureTooLarge, match="bytes"):
        decode(bytes(images.MAX_BYTES + 1))


@pytest.mark.parametrize("check", [decode, media_type])
def test_thirty_thousand_squared_is_refused_from_the_header(check: Callable[[bytes], object]) -> None:
    content = png_header(30_000, 30_000)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(PictureTooLarge, match="30,000 × 30,000"):
        check(content)
    took_s = time.perf_counter() - began
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 0.1
    assert peak_bytes < 1_000_000


def test_a_jpeg_of_endless_passes_is_refused() -> None:
    content = encoded(noise(300, 200), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    with pytest.raises(UnreadablePicture, match="too many passes"):
        decode(content[:-2] + content[start:-2] * 300 + content[-2:])


def test_large_pictures_wait_for_each_other_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LARGE_PIXELS", 100)
    content = encoded(quarters(), "PNG")
    with images._room_for(101), deadlines.within(0.02), pytest.raises(Overloaded, match="large pictures"):
        decode(content)
    assert shows_quarters(decode(content).pixels)


SAMPLES = [encoded(quarters(40, 30), kind) for kind in FORMATS]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_raise_only_our_errors(content: bytes) -> None:
    with pytest.raises(InvalidArgument):
        decode(content)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_files_raise_only_our_errors(sample: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(damaged)).pixels
    except InvalidArgument:
        return
    assert pixels.ndim == 3
    assert max(pixels.shape[:2]) <= WORKING_SIDE
