"""The catalogue on Milvus Lite, where there is a file and a child process to mind; the contract itself is in tests/contract."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from services.catalogue.engine import MilvusCatalogue
from shoplens import deadlines
from shoplens.domain import PreparedPut, ProductPatch, RegionQuery, Write
from shoplens.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument, Unavailable
from shoplens.testing.contracts.catalogue import ENCODER, MODEL, found, put
from shoplens.testing.products import draft, indexed

CARD = ENCODER.card()


def opened(folder: Path) -> MilvusCatalogue:
    return MilvusCatalogue.open(str(folder / "catalogue.db"), folder / "pictures", CARD)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[MilvusCatalogue]:
    with opened(tmp_path) as catalogue:
        yield catalogue


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        stored = [put(catalogue, draft(f"p{seed}", seed, views=1 + seed % 3)) for seed in range(6)]
        stored[0] = catalogue.patch(ProductPatch("p0", {"title": "Patched"}))
        stored[1] = put(catalogue, draft("p1", 9))
        catalogue.delete("p5")
        status = catalogue.status()
    with opened(tmp_path) as catalogue:
        assert list(catalogue.page().products) == stored[:5]
        assert found(catalogue, 9)[0] == "p1"
        assert "p5" not in found(catalogue, 5)
        again = catalogue.status()
        assert replace(again, fresh_as_of=status.fresh_as_of, revision=status.revision) == status


def test_another_models_index_is_refused_with_advice(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(FailedPrecondition, match=r"import the products again"):
        MilvusCatalogue.open(str(tmp_path / "catalogue.db"), tmp_path / "pictures", replace(CARD, version="next"))


def test_a_file_in_use_is_refused_at_once(tmp_path: Path, catalogue: MilvusCatalogue) -> None:
    script = (
        "import sys; from pathlib import Path; from services.catalogue.engine import MilvusCatalogue;"
        "from shoplens.testing.contracts.catalogue import ENCODER; folder = Path(sys.argv[1]);"
        "MilvusCatalogue.open(str(folder / 'catalogue.db'), folder / sys.argv[2], ENCODER.card())"
    )
    for pictures in ("pictures", "elsewhere"):
        result = subprocess.run([sys.executable, "-c", script, tmp_path, pictures], capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 1
        assert "FailedPrecondition" in result.stderr


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalogue.db").write_bytes(content)
    with pytest.raises(FailedPrecondition, match=r"catalogue\.db .*restore it from a backup"):
        opened(tmp_path)


def test_an_impossible_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="file name"):
        MilvusCatalogue.open(str(tmp_path / "the catalogue!"), tmp_path / "pictures", CARD)


def test_a_dead_child_is_unavailable_not_a_hang(catalogue: MilvusCatalogue) -> None:
    put(catalogue, draft("p1", 1))
    embedded = catalogue._milvus.embedded
    assert embedded is not None
    os.kill(embedded.pid, signal.SIGKILL)
    begun = time.monotonic()
    calls: list[Callable[[], object]] = [
        lambda: found(catalogue, 1),
        lambda: put(catalogue, draft("p2", 2)),
        lambda: catalogue.features("p1"),
        lambda: catalogue.delete("p1"),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match="restart"):
            call()
    assert time.monotonic() - begun < 5.0


class HungUpError(grpc.RpcError):
    """What gRPC raises where the other side closed the connection."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE


def test_a_search_that_a_living_child_broke_off_is_asked_once_more(catalogue: MilvusCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    put(catalogue, draft("p1", 1))
    client = catalogue._milvus._client
    search, broken_off = client.search, iter((True, False, True, True))

    def unreliable(*args: object, **kwargs: object) -> object:
        if next(broken_off):
            raise HungUpError
        return search(*args, **kwargs)

    monkeypatch.setattr(client, "search", unreliable)
    assert found(catalogue, 1)[0] == "p1"
    with pytest.raises(Unavailable, match="try again"):
        found(catalogue, 1)


def test_a_child_that_hangs_is_not_waited_for_and_the_write_in_doubt_is_settled(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        stored = put(catalogue, draft("p1", 1))
        embedded = catalogue._milvus.embedded
        assert embedded is not None
        os.kill(embedded.pid, signal.SIGSTOP)
        try:
            for call in (lambda: found(catalogue, 1), lambda: put(catalogue, draft("p1", 2)), lambda: catalogue.delete("p1")):
                begun = time.monotonic()
                with deadlines.within(0.5), pytest.raises(DeadlineExceeded):
                    call()
                assert time.monotonic() - begun < 3.0
        finally:
            os.kill(embedded.pid, signal.SIGCONT)
        assert catalogue.get("p1") == stored
        assert found(catalogue, 1) == ["p1"]
        again = put(catalogue, draft("p1", 3))
        assert again.version == 2
    with opened(tmp_path) as catalogue:
        assert list(catalogue.page().products) == [again]
        assert len(catalogue.search(RegionQuery([catalogue.features("p1")[0].embedding], limit=10, model=MODEL))) == 2


def test_closing_ends_the_child(tmp_path: Path) -> None:
    catalogue = opened(tmp_path)
    embedded = catalogue._milvus.embedded
    assert embedded is not None
    catalogue.close()
    assert not embedded.alive


def test_pictures_live_as_long_as_a_product_shows_them(tmp_path: Path) -> None:
    def files() -> int:
        return sum(path.is_file() for path in (tmp_path / "pictures").glob("??/??/*"))

    with opened(tmp_path) as catalogue:
        put(catalogue, draft("p1", 1, views=2))
        put(catalogue, draft("p2", 1))
        assert files() == 2
        catalogue.delete("p1")
        assert files() == 1
        put(catalogue, draft("p2", 7))
        assert files() == 1
        assert catalogue.picture("p2", "1").content == draft("p2", 7).images[0].content
        stray = tmp_path / "pictures" / "ab" / "cd" / ("abcd" + "0" * 60)
        stray.parent.mkdir(parents=True)
        stray.write_bytes(b"left by a crash")
    with opened(tmp_path):
        assert files() == 1


def test_a_batch_is_as_many_puts(catalogue: MilvusCatalogue) -> None:
    drafts = [draft("p1", 1), draft("p2", 2), replace(draft("x", 3), id=""), draft("p1", 4)]
    writes = [Write(PreparedPut(each, "t-shirt", tuple(indexed(ENCODER, each)), MODEL)) for each in drafts]
    outcomes = catalogue.apply(writes)
    assert [outcome.changed for outcome in outcomes] == [True, True, False, True]
    assert isinstance(outcomes[2].error, InvalidArgument)
    assert [(product.id, product.version) for product in catalogue.page().products] == [("p1", 2), ("p2", 1)]
    assert found(catalogue, 4)[0] == "p1"


def test_superseded_rows_take_no_ones_place(catalogue: MilvusCatalogue) -> None:
    """More rows of the past than a search asks for lie nearest; the present ones are found all the same."""
    for seed in range(5):
        put(catalogue, draft(f"p{seed}", seed))
    for _ in range(20):
        put(catalogue, draft("p0", 0))
    assert found(catalogue, 0, limit=5)[0] == "p0"
    assert len(catalogue.search(RegionQuery([catalogue.features("p0")[0].embedding], limit=5, model=MODEL))) == 5
