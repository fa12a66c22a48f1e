"""The README's own commands, run as they stand against a served demo catalogue."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageOps

from shoplens.testing.serving import serving

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("shoplens")

pytestmark = [pytest.mark.demo, pytest.mark.timeout(600)]


def commands() -> list[str]:
    """Every command of the README's shell blocks, continuation lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found: list[str] = []
    document = False
    for line in "".join(blocks).splitlines():
        if document or line.startswith(" "):
            found[-1] += "\n" + line
            document = document and line != "END"
        else:
            found.append(line)
            document = line.endswith("<<'END'")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("readme") / "data", catalogue="demo") as client:
        yield client


@pytest.fixture(scope="module")
def folder(server: httpx.Client, tmp_path_factory) -> Path:
    """A folder as the README's reader has it: a photo, and a place for the program."""
    folder = tmp_path_factory.mktemp("reader")
    product = server.get("/v1/products").raise_for_status().json()["products"][0]
    picture = server.get(f"/v1/products/{product['product_id']}/images/{product['images'][0]['id']}").raise_for_status()
    (folder / "photo.jpg").write_bytes(picture.content)
    ImageOps.mirror(Image.open(BytesIO(picture.content)).convert("RGB")).save(folder / "copy.jpg", quality=70)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "shoplens").symlink_to(PROGRAM)
    return folder


def run(command: str, folder: Path, server: httpx.Client) -> str:
    local = command.replace("http://127.0.0.1:8080", str(server.base_url).rstrip("/"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", local], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_curl_examples_work_in_the_order_in_which_they_stand(server, folder):
    if shutil.which("curl") is None:
        pytest.fail("the README's examples need curl")
    curls = [command for command in commands() if command.startswith("curl")]
    assert len(curls) >= 8
    for command in curls:
        output = run(command, folder, server)
        answer = json.loads(output) if output.strip() else {}
        if "top_k=-1" in command:
            assert answer["status"] == 400
            assert "top_k" in answer["detail"]
        else:
            assert "/v1/events" not in command or answer["ok"], answer
            assert "status" not in answer, f"{command}\n{answer}"
        if "/v1/copies" in command:
            assert answer["matches"], f"{command} found nothing"
        if "/v1/search" in command and "top_k=-1" not in command:
            assert answer["results"], f"{command} found nothing"


def test_the_command_line_example_finds_the_photos_own_product(server, folder):
    (command,) = [command for command in commands() if command.startswith(".venv/bin/shoplens search")]
    output = run(f"{command} --server {server.base_url} --json", folder, server)
    assert json.loads(output)["verdict"] == "exact_copy"


def test_the_weights_examples_change_the_weights_and_take_them_back(server, folder):
    for command in (command for command in commands() if command.startswith(".venv/bin/shoplens weights")):
        run(command, folder, server)
    assert "visual = 1.0" in (folder / "weights.toml").read_text("utf-8")
    assert [version.name for version in sorted((folder / "data" / "weights").iterdir())] == ["0001.toml", "0002.toml"]
    (learning,) = [command for command in commands() if command.startswith(".venv/bin/shoplens learn")]
    assert "--trial" in run(learning, folder, server)


def test_the_keys_examples_make_a_key_and_take_it_away(server, folder):
    (made, listed, gone) = [run(command, folder, server) for command in commands() if command.startswith(".venv/bin/shoplens keys")]
    assert made.startswith("sl_")
    assert listed.startswith("feed  write")
    assert gone == "feed is gone.\n"


def test_the_events_example_is_made_of_good_events(server, folder):
    (made,) = [command for command in commands() if command.startswith("cat > events.ndjson")]
    run(made, folder, server)
    (checked,) = [command for command in commands() if command.startswith(".venv/bin/shoplens events validate")]
    assert "3 good, 0 wrong" in run(checked, folder, server)


def test_the_copies_examples_find_the_picture_and_its_mirror_image(server, folder):
    (command,) = [command for command in commands() if command.startswith(".venv/bin/shoplens copies")]
    matches = json.loads(run(f"{command} --server {server.base_url} --json", folder, server))["matches"]
    assert matches[0]["score"] == 1.0
    (command,) = [command for command in commands() if command.startswith(".venv/bin/shoplens compare")]
    answer = json.loads(run(f"{command} --json", folder, server))
    assert (answer["copy"], answer["change"]["flipped"]) == (True, True)
    assert (folder / "overlay.png").stat().st_size > 0


def test_every_make_target_named_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands():
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE), command
