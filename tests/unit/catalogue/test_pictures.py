"""Files of pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from services.catalogue.pictures import PictureFiles
from shoplens.errors import FailedPrecondition, NotFound, Unavailable


def named(content: bytes) -> tuple[str, bytes]:
    return hashlib.sha256(content).hexdigest(), content


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("??/??/*"))


def test_what_is_kept_is_read_to_the_byte(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path)
    kept = [named(bytes([number]) * 1000) for number in range(20)]
    pictures.keep([*kept, kept[0]])
    assert files(tmp_path) == sorted(name for name, _ in kept)
    for name, content in kept:
        assert pictures.read(name) == content
        assert (tmp_path / name[:2] / name[2:4] / name).is_file()


def test_what_is_dropped_is_not_found_and_dropping_twice_is_fine(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path)
    name, content = named(b"a picture")
    pictures.keep([(name, content)])
    pictures.drop(name)
    pictures.drop(name)
    with pytest.raises(NotFound, match="put its product again"):
        pictures.read(name)


def test_a_sweep_leaves_what_is_wanted(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path)
    wanted, stray = named(b"wanted"), named(b"stray")
    pictures.keep([wanted, stray])
    (tmp_path / wanted[0][:2] / wanted[0][2:4] / ".new-interrupted").write_bytes(b"half")
    assert pictures.sweep({wanted[0]}) == 2
    assert files(tmp_path) == [wanted[0]]


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    first = PictureFiles(tmp_path)
    with pytest.raises(FailedPrecondition, match="another catalogue process"):
        PictureFiles(tmp_path)
    first.close()
    PictureFiles(tmp_path).close()


def test_a_disk_that_refuses_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    pictures = PictureFiles(tmp_path)
    monkeypatch.setattr("services.catalogue.pictures.os.fsync", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        pictures.keep([named(b"a picture")])
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "x" * 63 + "/"])
def test_only_hashes_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        PictureFiles(tmp_path).read(name)
