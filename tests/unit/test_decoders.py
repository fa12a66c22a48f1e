"""Pictures decoded apart: the same pixels, the same refusals, and a decoder that dies takes nothing with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shoplens import deadlines, images, metrics
from shoplens.decoders import Decoders, decoding_apart
from shoplens.errors import DeadlineExceeded, PictureTooLarge, ShoplensError, UnreadablePicture
from tests.unit.test_images import FORMATS, encoded, png_header, quarters

PHOTO = encoded(quarters(), "JPEG")


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(2) as running:
        yield running


def pids(decoders: Decoders) -> list[int]:
    return [process._process.pid for process in decoders._all]


def lost() -> float:
    return float(metrics.DECODERS_LOST._value.get())


def doing(script: str) -> tuple[str, ...]:
    """A decoder of the test's own making."""
    return (sys.executable, "-c", script)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_the_same_apart_as_here(decoders: Decoders, kind: str) -> None:
    content = encoded(quarters(1300, 700), kind)
    here, apart = images.HERE.decode(content), decoders.decode(content)
    assert np.array_equal(here.pixels, apart.pixels)
    assert (here.width, here.height, here.content_hash) == (apart.width, apart.height, apart.content_hash)
    assert decoders.header(content) == images.HERE.header(content)


@pytest.mark.parametrize("content", [b"", b"no picture", PHOTO[:400], png_header(20_000, 20_000), encoded(Image.new("F", (4, 4)), "TIFF")])
def test_what_is_refused_here_is_refused_apart_in_the_same_words(decoders: Decoders, content: bytes) -> None:
    with pytest.raises(ShoplensError) as here:
        images.HERE.decode(content)
    with pytest.raises(type(here.value)) as apart:
        decoders.decode(content)
    assert apart.value.message == here.value.message


def test_many_threads_share_few_decoders(decoders: Decoders) -> None:
    contents = [encoded(quarters(80 + side, 60), "PNG") for side in range(40)]
    with ThreadPoolExecutor(8) as pool:
        widths = [picture.width for picture in pool.map(decoders.decode, contents)]
    assert widths == [80 + side for side in range(40)]


def test_a_decoder_that_was_killed_is_replaced_and_the_picture_is_read() -> None:
    with Decoders(1) as decoders:
        assert decoders.decode(PHOTO).width == 160
        (pid,) = pids(decoders)
        before = lost()
        os.kill(pid, signal.SIGKILL)
        assert decoders.decode(PHOTO).width == 160
        assert lost() == before + 1
        assert pids(decoders) != [pid]


def test_a_picture_that_kills_its_decoder_is_refused_and_no_other() -> None:
    dies = doing("import os, sys; sys.stdin.buffer.read(9); os.abort()")
    with Decoders(1, command=dies) as decoders:
        before = lost()
        with pytest.raises(UnreadablePicture, match="fail"):
            decoders.decode(PHOTO)
        assert lost() == before + 2
        with pytest.raises(UnreadablePicture, match="fail"):
            decoders.decode(PHOTO)


@pytest.mark.parametrize(
    "answer",
    [
        "b'\\xff\\xff\\xff\\xff'",
        "b'\\0\\0\\0\\x16' + b'{\"bytes\": 99999999999}'",
        "b'\\0\\0\\0\\x02[]'",
        "b'\\0\\0\\0\\x0c' + b'{\"bytes\": 0}'",
    ],
)
def test_a_decoder_that_a_picture_has_taken_over_makes_the_server_read_nothing_wild(answer: str) -> None:
    lies = doing(f"import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write({answer}); sys.stdout.flush(); sys.stdin.buffer.read()")
    with Decoders(1, command=lies, longest_s=5.0) as decoders, pytest.raises(UnreadablePicture, match="fail"):
        decoders.decode(PHOTO)


def test_a_picture_that_takes_for_ever_is_refused_in_time() -> None:
    hangs = doing("import time; time.sleep(600)")
    with Decoders(1, command=hangs, longest_s=0.3) as decoders:
        (pid,) = pids(decoders)
        with pytest.raises(UnreadablePicture, match="too long"):
            decoders.decode(PHOTO)
        assert not Path(f"/proc/{pid}").exists()


def test_who_no_longer_waits_is_told_so() -> None:
    hangs = doing("import time; time.sleep(600)")
    with Decoders(1, command=hangs, longest_s=0.3) as decoders, deadlines.within(0.1), pytest.raises(DeadlineExceeded):
        decoders.decode(PHOTO)


def test_a_decoder_has_so_much_memory_and_no_more() -> None:
    large = encoded(Image.new("RGB", (9_900, 9_900), "red"), "PNG")
    with Decoders(1, memory_bytes=500 << 20) as decoders:
        with pytest.raises(PictureTooLarge, match="memory"):
            decoders.decode(large)
        assert decoders.decode(PHOTO).width == 160


def test_a_decoder_knows_no_secret_and_opens_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPLENS_PASSWORD", "do-not-tell")
    with Decoders(1) as decoders:
        decoders.decode(PHOTO)
        (pid,) = pids(decoders)
        assert b"do-not-tell" not in Path(f"/proc/{pid}/environ").read_bytes()
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert limits.split("Max open files")[1].split()[0] == str(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        assert limits.split("Max file size")[1].split()[0] == "0"


def test_inside_every_picture_is_read_apart() -> None:
    with decoding_apart(1):
        reader = images._readers[-1]
        assert isinstance(reader, Decoders)
        assert images.decode(PHOTO).width == images.photo(PHOTO).width == 160
        assert images.media_type(PHOTO) == "image/jpeg"
        (pid,) = pids(reader)
    assert images._readers == [images.HERE]
    assert not Path(f"/proc/{pid}").exists()


def test_none_apart_is_here() -> None:
    with decoding_apart(0):
        assert images._readers == [images.HERE]


def test_whoever_opened_last_reads_whoever_closes_first() -> None:
    one, other = decoding_apart(1), decoding_apart(1)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert images.decode(PHOTO).width == 160
    other.__exit__(None, None, None)
    assert images.decode(PHOTO).width == 160
