"""What was acknowledged is there: after kills in the middle of writes, and in a backup that was made meanwhile."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.durability import kill_and_check
from shoplens.testing.pictures import png
from shoplens.testing.serving import serving, shoplens

pytestmark = pytest.mark.timeout(600)


def test_killed_in_the_middle_of_writes_every_acknowledged_product_is_there_and_none_is_half_written(tmp_path: Path) -> None:
    table = kill_and_check(tmp_path / "data", kills=5, seed=3)
    assert table["durability_acknowledged_writes"] > 0
    assert table["durability_lost"] == 0
    assert table["durability_half_written"] == 0


def put(client: httpx.Client, number: int) -> int:
    picture = base64.b64encode(png(number)).decode()
    return client.put(f"/v1/products/p{number:03}", json={"title": str(number), "images": [{"id": "1", "content": picture}]}).status_code


@contextmanager
def writing(client: httpx.Client, first: int) -> Iterator[list[int]]:
    """Somebody puts products all the time; the numbers of those that were acknowledged."""
    done: list[int] = []
    stop = threading.Event()

    def write() -> None:
        number = first
        while not stop.is_set():
            assert put(client, number) == httpx.codes.OK
            done.append(number)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def test_a_backup_of_a_server_that_goes_on_is_one_state_and_can_be_served(tmp_path: Path) -> None:
    data, copied, restored = tmp_path / "data", tmp_path / "backup", tmp_path / "restored"
    with serving(data) as client:
        for number in range(10):
            assert put(client, number) == httpx.codes.OK
        client.delete("/v1/products/p003").raise_for_status()
        with writing(client, 100) as done:
            code, first = shoplens("backup", str(copied), "--data", str(data))
            assert code == 0
        for number in range(20, 25):
            assert put(client, number) == httpx.codes.OK
        code, second = shoplens("backup", str(copied), "--data", str(data))
        assert code == 0
        assert first["copied"] == first["pictures"] >= 9
        assert second["copied"] < second["pictures"]
        everything = {each["product_id"] for each in client.get("/v1/products", params={"page_size": 200}).json()["products"]}
        assert done

    assert shoplens("restore", str(copied), "--data", str(restored))[0] == 0
    code, found = shoplens("verify", str(data), str(restored))
    assert (code, found) == (0, {"same": len(everything), "differences": []})
    with serving(restored) as client:
        assert client.get("/v1/products/p003").status_code == httpx.codes.NOT_FOUND
        for number in (0, 24):
            assert client.get(f"/v1/products/p{number:03}/images/1").content == png(number)
            answer = client.post("/v1/search", files={"image": ("photo", png(number))}).json()
            assert answer["results"][0]["product_id"] == f"p{number:03}"

    # What is wrong is said, and nothing is overwritten.
    assert shoplens("restore", str(copied), "--data", str(restored))[0] == 1
    (copied / "backup.json").unlink()
    assert shoplens("restore", str(copied), "--data", str(tmp_path / "new"))[0] == 1
    assert shoplens("backup", str(copied), "--data", str(data))[0] == 1
    assert shoplens("backup", str(tmp_path / "other"), "--data", str(tmp_path))[0] == 1
    shutil.rmtree(copied)
    assert shoplens("backup", str(copied), "--data", str(data))[0] == 0  # a server need not run
