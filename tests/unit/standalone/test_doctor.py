"""What shoplens depends on is asked, and what is wrong is said in words."""

from __future__ import annotations

import fcntl
import resource
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from services.standalone import doctor
from services.standalone.doctor import Finding, State, of_one_process, of_services
from services.standalone.settings import StandaloneSettings
from shoplens.migration.plan import Plan
from shoplens.migration.plan_folder import PlanFolder
from shoplens.testing.serving import free_port


@contextmanager
def answering(status: int, text: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


NOBODY = f"http://127.0.0.1:{free_port()}"


def found(data: Path, *, server: str = NOBODY, models: Path | None = None) -> dict[str, Finding]:
    return {each.what: each for each in of_one_process(StandaloneSettings(data=data, models=models), server)}


def test_a_new_folder_is_fit_and_what_is_missing_is_named(tmp_path: Path) -> None:
    findings = found(tmp_path / "data")
    states = {name: each.state for name, each in findings.items()}
    assert states.pop("server") is State.WARNING
    assert states.pop("index") is State.WARNING
    assert set(states.values()) == {State.OK}
    assert "shoplens serve" in findings["server"].text
    assert "encoder" in " ".join(states)


def test_a_server_that_is_not_ready_says_why(tmp_path: Path) -> None:
    with answering(503, "the index is being built") as server:
        finding = found(tmp_path, server=server)["server"]
    assert (finding.state, "being built" in finding.text) == (State.PROBLEM, True)
    with answering(200, "ready") as server:
        assert found(tmp_path, server=server)["server"].state is State.OK


def test_a_damaged_index_is_a_problem_and_a_whole_one_is_not(tmp_path: Path) -> None:
    index = tmp_path / "catalogue.db"
    with closing(sqlite3.connect(index)) as database:
        database.execute("create table rows (id integer primary key, content blob)")
        database.executemany("insert into rows (content) values (?)", [(bytes(500),)] * 200)
        database.commit()
    assert found(tmp_path)["index"].state is State.OK
    content = bytearray(index.read_bytes())
    content[4096:12_000] = b"\xff" * (12_000 - 4096)
    index.write_bytes(content)
    finding = found(tmp_path)["index"]
    assert (finding.state, "restore a backup" in finding.text) == (State.PROBLEM, True)


def test_an_index_that_a_server_has_open_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"whatever")
    with (tmp_path / ".catalogue.db.guard").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        finding = found(tmp_path)["index"]
    assert (finding.state, "has it open" in finding.text) == (State.OK, True)


def test_a_migration_under_way_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as database:
        database.execute("create table rows (id integer)")
    PlanFolder(tmp_path / "migration").write(Plan().started(models=Path("/new")))
    finding = found(tmp_path)["index"]
    assert (finding.state, "migrate status" in finding.text) == (State.WARNING, True)


def test_weights_that_make_no_sense_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "0001.toml").write_text("nonsense = 1", "utf-8")
    assert found(tmp_path)["ranking weights"].state is State.PROBLEM


def test_a_full_disk_and_few_files_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    findings = found(tmp_path)
    assert (findings["data folder"].state, findings["open files"].state) == (State.WARNING, State.WARNING)


def test_what_cannot_be_a_folder_of_data_or_models_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = found(tmp_path / "file" / "data", models=tmp_path / "nowhere")
    assert findings["data folder"].state is State.PROBLEM
    assert findings["model: encoder"].state is State.PROBLEM


def test_services_that_are_away_are_named_with_their_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DETECTOR", "ENCODER", "CATALOGUE", "RANKER", "INGEST", "COPIES"):
        monkeypatch.setenv(f"SHOPLENS_GATEWAY_{name}", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("SHOPLENS_INGEST_REDIS", f"redis://127.0.0.1:{free_port()}/0")
    findings = {each.what: each for each in of_services()}
    assert findings["encoder"].state is State.PROBLEM
    assert "SHOPLENS_GATEWAY_ENCODER" in findings["encoder"].text
    assert findings["redis"].state is State.WARNING  # it is only a cache
