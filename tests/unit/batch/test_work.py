"""A worker computes what is not known, writes it chunk by chunk, and goes on past what is broken."""

from __future__ import annotations

from pathlib import Path

from services.batch.pictures import Failure, PictureRef, Report, Shown
from services.batch.store import FeatureStore
from services.batch.work import CHUNK, work
from shoplens.errors import UnreadablePicture
from shoplens.images import content_hash


class Counting:
    """Implements ``Computing`` by counting."""

    maker = "1:counting-1"

    def __init__(self) -> None:
        self.computed: list[bytes] = []

    def fetch(self, uri: str) -> bytes:
        return uri.encode()

    def features(self, content: bytes) -> bytes:
        if content == b"broken":
            raise UnreadablePicture("This is no picture; send another.")
        self.computed.append(content)
        return b"features of " + content


def run(store: FeatureStore, pictures: list[PictureRef]) -> tuple[Report, Counting]:
    counting = Counting()
    return Report.summed(work(pictures, counting, store, known=store.known(counting.maker))), counting


def test_each_picture_is_computed_once_however_often_it_is_shown(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    pictures = [PictureRef("a", "1", uri="one"), PictureRef("b", "1", content=b"one"), PictureRef("b", "2", content=b"two")]
    total, counting = run(store, pictures)
    assert (total.computed, total.known, counting.computed) == (2, 1, [b"one", b"two"])
    assert dict(store.rows(Counting.maker))[content_hash(b"two")] == b"features of two"


def test_the_second_run_computes_what_changed_and_nothing_else(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    pictures = [PictureRef(f"p{number}", "1", content=f"picture {number}".encode()) for number in range(300)]
    run(store, pictures)
    changed = [PictureRef(f"p{number}", "1", content=f"new picture {number}".encode()) for number in range(3)]
    total, counting = run(store, [*changed, *pictures[3:]])
    assert (total.computed, total.known) == (3, 297)
    assert len(counting.computed) == 3


def test_a_broken_picture_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    total, _ = run(FeatureStore(tmp_path), [PictureRef("a", "1", content=b"broken"), PictureRef("b", "1", content=b"fine")])
    assert total == Report(1, 0, (Failure("a", "1", "This is no picture; send another."),), (Shown("b", "1", content_hash(b"fine")),))


def test_what_was_written_before_the_end_stays(tmp_path: Path) -> None:
    """A worker that dies after its first chunk has lost no more than what was not yet written."""
    store = FeatureStore(tmp_path)
    pictures = [PictureRef("p", str(number), content=f"picture {number}".encode()) for number in range(2 * CHUNK + 10)]
    counting = Counting()
    reports = work(pictures, counting, store, known=frozenset())
    assert next(reports).computed == CHUNK
    reports.close()
    total, again = run(store, pictures)
    assert (total.computed, total.known) == (CHUNK + 10, CHUNK)
    assert len(again.computed) == CHUNK + 10
    assert len(store.known(Counting.maker)) == len(pictures)
