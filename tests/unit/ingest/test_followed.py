"""A file of updates that is followed, and the file of those that could not be applied."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.followed import DeadFile, FollowedFile
from shoplens.domain import DeadLetter, Message, Position
from shoplens.errors import FailedPrecondition, Unavailable


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


def values(messages: object) -> list[bytes | None]:
    return [message.value for message in messages]  # type: ignore[attr-defined]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "updates.ndjson"


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark.json"


def test_lines_come_as_they_are_appended(path: Path, mark: Path) -> None:
    with FollowedFile(path, mark) as followed:
        assert followed.poll(0.0) == []
        append(path, '{"a": 1}', "", '{"b": 2}')
        assert values(followed.poll(0.0)) == [b'{"a": 1}', b'{"b": 2}']
        append(path, '{"half', end="")
        assert followed.behind().popitem()[1] == 1
        assert followed.poll(0.0) == []
        append(path, '": 3}')
        (last,) = followed.poll(0.0)
        assert last.value == b'{"half": 3}'
        assert last.key is None
        assert followed.behind() == {last.position.log: 0}


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=8), max_size=12), st.data())
def test_a_restart_goes_on_after_what_was_committed(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("followed")
    path, mark = folder / "updates.ndjson", folder / "mark.json"
    append(path, *lines)
    with FollowedFile(path, mark) as followed:
        messages = followed.poll(0.0)
        done = data.draw(st.integers(0, len(messages)))
        if done:
            followed.commit({messages[done - 1].position.log: messages[done - 1].position.offset + 1})
    with FollowedFile(path, mark) as followed:
        again = followed.poll(0.0)
    assert [(each.position, each.value) for each in again] == [(each.position, each.value) for each in messages[done:]]


def test_a_file_that_is_replaced_or_cut_short_is_a_new_log(path: Path, mark: Path) -> None:
    append(path, "one", "two")
    with FollowedFile(path, mark) as followed:
        old = followed.poll(0.0)
        followed.commit({old[-1].position.log: old[-1].position.offset + 1})
        path.rename(path.with_suffix(".old"))
        append(path, "three")
        (new,) = followed.poll(0.0)
        assert new.value == b"three"
        assert new.position.log != old[0].position.log
        followed.commit({new.position.log: new.position.offset + 1})
        path.write_text("4\n")
        (cut,) = followed.poll(0.0)
        assert cut.value == b"4"
        assert cut.position.log not in (old[0].position.log, new.position.log)


def test_paused_it_brings_nothing_and_keeps_its_place(path: Path, mark: Path) -> None:
    append(path, "one")
    with FollowedFile(path, mark) as followed:
        followed.pause()
        assert followed.poll(0.0) == []
        followed.resume()
        assert values(followed.poll(0.0)) == [b"one"]


def test_a_mark_that_cannot_be_read_is_told(path: Path, mark: Path) -> None:
    mark.write_text("{")
    with pytest.raises(FailedPrecondition, match="remove it"):
        FollowedFile(path, mark)


def test_a_dead_letter_is_a_line_with_the_message_to_the_byte(tmp_path: Path) -> None:
    dead = DeadFile(tmp_path / "dead.ndjson")
    for value in (b"{", b"\xff\xfe"):
        dead.send(DeadLetter(Message(Position("log", 7), b"a", value, datetime(2026, 6, 1, tzinfo=UTC)), "invalid-argument", "Not JSON."))
    lines = [json.loads(line) for line in (tmp_path / "dead.ndjson").read_text().splitlines()]
    assert [base64.b64decode(line["value_base64"]) for line in lines] == [b"{", b"\xff\xfe"]
    assert (lines[0]["value"], lines[0]["key"], lines[0]["reason"], lines[0]["offset"]) == ("{", "a", "invalid-argument", 7)


def test_a_dead_letter_that_cannot_be_kept_is_waited_for(tmp_path: Path) -> None:
    dead = DeadFile(tmp_path / "missing" / "dead.ndjson")
    with pytest.raises(Unavailable, match="make room"):
        dead.send(DeadLetter(Message(Position("log", 7), None, None, datetime(2026, 6, 1, tzinfo=UTC)), "x", "y"))
