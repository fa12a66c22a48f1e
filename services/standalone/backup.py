"""``shoplens backup`` and ``restore``: a data folder as it is at one moment, while a server goes on serving from it.

A backup is a folder that could be served itself. Pictures, which are most of it and never change, are copied first, and not again where
an earlier backup in the same place has them; then writes are paused for as long as it takes to copy the index and the pictures that
came meanwhile. What a followed file had reached is noted before that, so after a restore the rest of it is told again and nothing is
missing. ``backup.json`` is written last: a folder without it is no backup.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.catalogue.pausing import paused
from services.standalone.places import (
    CATALOGUE_FILE,
    COPIES_FILE,
    DEAD_FILE,
    FEATURES_FILE,
    FEEDBACK_FILE,
    KEYS_FILE,
    MARK_FILE,
    MIGRATION_FOLDER,
    PICTURES_FOLDER,
    WEIGHTS_FOLDER,
    generation_folder,
)
from shoplens.errors import FailedPrecondition, InvalidArgument, Unavailable
from shoplens.migration.plan import Plan
from shoplens.migration.plan_folder import PlanFolder

MADE: Final = "backup.json"
PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied, and for how long writes waited. copied: pictures that no earlier backup in this place had."""

    made_at: str
    pictures: int
    copied: int
    bytes: int
    paused_s: float


def backup(data: Path, target: Path) -> Backup:
    """Copy ``data`` to ``target``, which is new or an earlier backup.

    Raises ``InvalidArgument`` where either is something else, and ``Unavailable`` where the disk refuses.
    """
    live = PlanFolder(data / MIGRATION_FOLDER).read().live
    source, made = generation_folder(data, live.number), generation_folder(target, live.number)
    if not (source / CATALOGUE_FILE).is_file():
        raise InvalidArgument(f"{data} holds no catalogue; give a server's data folder with --data.")
    if target.exists() and any(target.iterdir()) and not (target / MADE).is_file():
        raise InvalidArgument(f"{target} is neither empty nor a backup; choose another folder.")
    try:
        (target / MADE).unlink(missing_ok=True)
        made.mkdir(parents=True, exist_ok=True)
        copied = _pictures(source, made)
        _file(source / MARK_FILE, made / MARK_FILE)
        with paused(source / CATALOGUE_FILE, PAUSE_S):
            begun = time.monotonic()
            _database(source / CATALOGUE_FILE, made / CATALOGUE_FILE)
            copied += _pictures(source, made)
            kept = set(_names(source))
            paused_s = time.monotonic() - begun
        for name in set(_names(made)) - kept:
            (made / PICTURES_FOLDER / name).unlink()
        _database(source / FEATURES_FILE, made / FEATURES_FILE)
        _database(data / COPIES_FILE, target / COPIES_FILE)
        for name in (KEYS_FILE, FEEDBACK_FILE, DEAD_FILE):
            _file(data / name, target / name)
        if (data / WEIGHTS_FOLDER).is_dir():
            shutil.copytree(data / WEIGHTS_FOLDER, target / WEIGHTS_FOLDER, dirs_exist_ok=True)
        PlanFolder(target / MIGRATION_FOLDER).write(Plan(live))
        size = sum((made / PICTURES_FOLDER / name).stat().st_size for name in kept) + (made / CATALOGUE_FILE).stat().st_size
        report = Backup(datetime.now(UTC).isoformat(), len(kept), copied, size, round(paused_s, 3))
        _write(target / MADE, json.dumps(asdict(report)).encode())
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"The backup to {target} broke off ({error}); what is there is no backup. Make room, and try again.") from error
    return report


def restore(source: Path, data: Path) -> Backup:
    """Copy a backup to ``data``, which must be new or empty.

    Raises ``InvalidArgument`` where ``source`` is no backup, ``FailedPrecondition`` where ``data`` holds something.
    """
    try:
        report = Backup(**json.loads((source / MADE).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InvalidArgument(f"{source} is no whole backup; give a folder that `shoplens backup` made.") from error
    if data.exists() and any(data.iterdir()):
        raise FailedPrecondition(f"{data} is not empty; restore to a new folder, and put it in the old one's place.")
    try:
        shutil.copytree(source, data, dirs_exist_ok=True, copy_function=_file, ignore=shutil.ignore_patterns(MADE))
    except (OSError, shutil.Error) as error:
        raise Unavailable(f"The backup could not be restored to {data} ({error}); make room, and restore to another folder.") from error
    return report


def _names(folder: Path) -> Iterator[str]:
    """The pictures' paths within their folder."""
    root = folder / PICTURES_FOLDER
    return (path.relative_to(root).as_posix() for path in root.glob("*/*/*") if not path.name.startswith("."))


def _pictures(source: Path, target: Path) -> int:
    """Copy what is not there yet; how many that were. One that vanishes meanwhile belongs to no product any more."""
    there, copied = set(_names(target)), 0
    for name in _names(source):
        if name not in there:
            copied += _file(source / PICTURES_FOLDER / name, target / PICTURES_FOLDER / name)
    return copied


def _file(source: Path | str, target: Path | str) -> bool:
    """Copy a file, whole and durably; whether there was one."""
    try:
        content = Path(source).read_bytes()
    except FileNotFoundError:
        return False
    _write(Path(target), content)
    return True


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_name(f".new-{target.name}")
    with made.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    made.replace(target)


def _database(source: Path, target: Path) -> None:
    """A SQLite file as it is at one moment; nothing where there is none."""
    if not source.is_file():
        return
    made = target.with_name(f".new-{target.name}")
    made.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as one, closing(sqlite3.connect(made)) as other:
        one.backup(other)
        if other.execute("pragma quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError(f"{source} is damaged")
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(target)
