"""What the commands say before any model is loaded, and where the server listens."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from typer.testing import CliRunner, Result

from services.ingest.followed import DeadFile
from services.standalone.cli import app
from services.standalone.door import Door
from services.standalone.places import DEAD_FILE
from services.standalone.serving import bind
from services.standalone.terminal import Terminal
from shoplens import __version__
from shoplens.domain import DeadLetter, Message, Position
from shoplens.errors import FailedPrecondition, InvalidArgument


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


@pytest.mark.parametrize("command", ["serve", "import", "search", "copies"])
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "--data" in result.stdout


def test_version() -> None:
    assert run("--version").stdout == f"shoplens {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("import", "missing.csv"), 1, "There is no missing.csv"),
        (("search", "missing.jpg"), 1, "missing.jpg cannot be read"),
        (("import", "feed", "--server", "http://127.0.0.1:1", "--data", "data"), 2, "--server or --data, not both"),
        (("import", "feed", "--currency", "euro"), 2, "three letters of ISO 4217"),
        (("search", "photo", "--top-k", "0"), 2, "--top-k"),
        (("serve", "--port", "65536"), 2, "--port"),
    ],
)
def test_mistakes_are_sentences(arguments: tuple[str, ...], code: int, words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    with bind("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    result = run("search", str(tmp_path / "photo"), "--server", address)
    assert result.exit_code == 1
    assert f"No shoplens server answers at {address}" in result.output


def test_a_setting_that_is_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPLENS_STANDALONE_THREADS", "many")
    result = run("import", str(tmp_path), "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "SHOPLENS_STANDALONE_THREADS" in result.output


def test_a_port_in_use_is_a_sentence() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(FailedPrecondition, match=f"Port {port} is in use; choose another with --port"):
            bind("127.0.0.1", port)


def test_a_host_that_is_not_this_machine() -> None:
    with pytest.raises(InvalidArgument, match=r"192\.0\.2\.1 is no address of this machine"):
        bind("192.0.2.1", 0)


def test_the_door_answers_until_it_is_opened() -> None:
    door = Door()

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            return await client.get(path)

    assert asyncio.run(ask("/healthz")).json() == {"status": "ok"}
    waiting = asyncio.run(ask("/readyz"))
    assert waiting.status_code == 503
    assert waiting.headers["content-type"] == "application/problem+json"
    assert waiting.headers["retry-after"] == "1"
    assert waiting.json()["instance"] == "/readyz"
    door.open(Starlette(routes=[Route("/readyz", lambda request: PlainTextResponse("inside"))]))
    assert asyncio.run(ask("/readyz")).text == "inside"


def test_a_table_of_results(capsys: pytest.CaptureFixture[str]) -> None:
    result: dict[str, Any] = {
        "score": 0.9123,
        "title": "[b]Tee",
        "price": {"amount": 1234.5, "currency": "EUR"},
        "category": None,
        "product_id": "p",
    }
    Terminal().results({"verdict": "same_product", "results": [result, {**result, "price": None}]})
    out = capsys.readouterr().out
    assert "This product is in the catalogue." in out
    assert "0.912" in out
    assert "[b]Tee" in out
    assert "1,234.50 EUR" in out


def test_events_are_checked_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"op": "delete", "product_id": "a"}\n\n{"op": "upset", "product_id": "b"}\n{\n')
    result = run("events", "validate", str(file))
    assert result.exit_code == 1
    assert "line 3: There is no op 'upset'" in result.stdout
    assert "line 4: This is not JSON" in result.stdout
    assert "1 good, 2 wrong" in result.stdout
    checked = json.loads(run("events", "validate", str(file), "--json").stdout)
    assert [(line["line"], line["ok"]) for line in checked] == [(1, True), (3, False), (4, False)]
    file.write_text('{"op": "delete", "product_id": "a"}\n')
    assert run("events", "validate", str(file)).exit_code == 0


def test_of_a_file_with_a_wrong_line_nothing_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"op": "delete", "product_id": "a"}\n{\n')
    result = run("events", "send", str(file), "--kafka", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "Nothing was sent. Line 2" in result.stderr


def test_the_schema_of_an_event_is_printed() -> None:
    assert json.loads(run("events", "schema").stdout)["oneOf"]


def test_dead_letters_of_a_data_folder_are_shown_and_told_again(tmp_path: Path) -> None:
    updates = tmp_path / "updates.ndjson"
    message = Message(Position("file:updates.ndjson:1", 0), None, b'{"op": "patch", "product_id": "a"}', datetime(2026, 6, 1, tzinfo=UTC))
    DeadFile(tmp_path / DEAD_FILE).send(DeadLetter(message, "not-found", "There is no product 'a'; put it first."))
    shown = run("dead", "list", "--data", str(tmp_path))
    assert "There is no product 'a'; put it first." in shown.stdout
    again = run("dead", "replay", "--data", str(tmp_path), "--updates", str(updates), "--json")
    assert json.loads(again.stdout) == {"replayed": 1}
    assert updates.read_bytes() == b'{"op": "patch", "product_id": "a"}\n'
    assert run("dead", "list", "--data", str(tmp_path), "--json").stdout == "[]\n"
    assert run("dead", "list", "--data", str(tmp_path / "missing")).exit_code == 1


def test_what_needs_an_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "services.standalone.batching", None)
    result = run("compute", str(tmp_path), "--features", str(tmp_path / "features"))
    assert result.exit_code == 1
    assert "shoplens[batch]" in result.output


def test_features_go_with_a_data_folder(tmp_path: Path) -> None:
    result = run("import", str(tmp_path), "--server", "http://127.0.0.1:1", "--features", str(tmp_path))
    assert result.exit_code == 2
    assert "--data" in result.output


def test_a_key_is_made_told_once_listed_and_taken_away(tmp_path: Path) -> None:
    made = json.loads(run("keys", "add", "feed", "--role", "write", "--data", str(tmp_path), "--json").stdout)
    assert made["key"].startswith("sl_")
    assert json.loads(run("keys", "list", "--data", str(tmp_path), "--json").stdout) == [{"name": "feed", "role": "write", "per_minute": 0}]
    assert made["key"] not in run("keys", "list", "--data", str(tmp_path)).output
    assert run("keys", "add", "feed", "--data", str(tmp_path)).exit_code == 1
    assert run("keys", "remove", "feed", "--data", str(tmp_path)).stdout == "feed is gone.\n"
    assert run("keys", "remove", "feed", "--data", str(tmp_path)).exit_code == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::"])
def test_a_server_without_keys_listens_on_this_machine_alone(tmp_path: Path, host: str) -> None:
    result = run("serve", "--host", host, "--data", str(tmp_path), "--catalogue", "none")
    assert result.exit_code == 1
    assert "shoplens keys add" in result.output
