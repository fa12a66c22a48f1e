"""A worker computes what is not known, writes it chunk by chunk, and goes on past what is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.batch.pictures import Failure, PictureRef, Report, Shown
from services.batch.work import CHUNK, work
from shoplens.errors import UnreadablePicture
from shoplens.feature_store import FeatureStore
from shoplens.images import content_hash


class Counting:
    """Implements ``Computing`` by counting."""

    makers = ("1:counting-1", "2:lengths")

    def __init__(self) -> None:
        self.computed: list[bytes] = []
        self.wanted: list[tuple[str, ...]] = []

    def fetch(self, uri: str) -> bytes:
        return uri.encode()

    def compute(self, content: bytes, wanted: Sequence[str]) -> Mapping[str, bytes]:
        if content == b"broken":
            raise UnreadablePicture("This is no picture; send another.")
        self.computed.append(content)
        self.wanted.append(tuple(wanted))
        made = dict(zip(self.makers, (b"features of " + content, b"%d" % len(content)), strict=True))
        return {maker: made[maker] for maker in wanted}


def run(store: FeatureStore, pictures: list[PictureRef]) -> tuple[Report, Counting]:
    counting = Counting()
    return Report.summed(work(pictures, counting, store, known={maker: store.known(maker) for maker in counting.makers})), counting


def test_each_picture_is_computed_once_however_often_it_is_shown(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    pictures = [PictureRef("a", "1", uri="one"), PictureRef("b", "1", content=b"one"), PictureRef("b", "2", content=b"two")]
    total, counting = run(store, pictures)
    assert (total.computed, total.known, counting.computed) == (2, 1, [b"one", b"two"])
    assert [dict(store.rows(maker))[content_hash(b"two")] for maker in Counting.makers] == [b"features of two", b"3"]


def test_only_what_is_missing_of_a_picture_is_computed(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    store.write(Counting.makers[0], [(content_hash(b"one"), b"features of one")])
    total, counting = run(store, [PictureRef("a", "1", uri="one"), PictureRef("b", "1", uri="two"), PictureRef("c", "1", uri="one")])
    assert (total.computed, total.known) == (2, 1)
    assert counting.wanted == [Counting.makers[1:], Counting.makers]


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
    reports = work(pictures, counting, store, known={})
    assert next(reports).computed == CHUNK
    reports.close()
    total, again = run(store, pictures)
    assert (total.computed, total.known) == (CHUNK + 10, CHUNK)
    assert len(again.computed) == CHUNK + 10
    assert len(store.known(Counting.makers[1])) == len(pictures)
