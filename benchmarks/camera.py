"""Camera search against its limit: what the shopper waits for, over the bare inference of the same models on the same photo.

Both are measured in turns in one run, so that a busy machine slows both; ten at a time, for LiteRT's threads spin on for
some milliseconds after a model has run, and would take the other side's core away at each change. Each time the photo is another
file, for a known one is not computed again; that it may be an edited copy is not looked at, as it hardly ever is of a shopper's.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from rich.progress import track

from services.standalone.demo import load_demo
from services.standalone.places import demo_cache
from shoplens.cores import Cores
from shoplens.model_store import model_folder
from shoplens.models import LiteRtModel, Manifest
from shoplens.products import draft_document
from shoplens.testing.serving import serving
from tools.stack.system import System

TURNS = 12
IN_A_TURN = 10
THREADS = 2


def _bare(part: str, batch: int) -> Callable[[], object]:
    """One bare call of a part's model, on input that is already in place."""
    manifest = Manifest.load(model_folder(part))
    model = LiteRtModel(manifest.path, Cores(THREADS))
    shape = (batch, manifest.input.height, manifest.input.width, 3)
    photo = np.random.default_rng(0).random(shape, dtype=np.float32)
    return lambda: model(photo)


def _ms(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def measure() -> dict[str, float]:
    """p50 of a camera search at one caller, the bare time beside it, and their ratio: by one process, and by one for each part."""
    with tempfile.TemporaryDirectory(prefix="shoplens-bench-") as folder:
        settings = {"SHOPLENS_STANDALONE_COPIES_IN_SEARCH": "false"}
        with serving(Path(folder) / "data", catalogue="demo", environment=settings) as client:
            report = _over_bare(client, "camera")
        with System(Path(folder) / "services", environment={"SHOPLENS_GATEWAY_COPIES_IN_SEARCH": "false"}) as system:
            system.wait_until_ready()
            with httpx.Client(base_url=system.address, timeout=60.0, trust_env=False) as client:
                lines = "\n".join(json.dumps(draft_document(draft)) for draft in load_demo(demo_cache()).drafts)
                client.post(
                    "/v1/products:import", content=lines, headers={"content-type": "application/x-ndjson"}, timeout=300.0
                ).raise_for_status()
                report |= _over_bare(client, "services")
    return report


def _over_bare(client: httpx.Client, name: str) -> dict[str, float]:
    detect, encode = _bare("detector", 1), _bare("encoder", 1)
    photo = _a_photo(client)
    requests = [_request(client, photo + number.to_bytes(4, "big")) for number in range(TURNS * IN_A_TURN + 1)]
    probes = 1 if _is_whole(_search(client, requests.pop())) else 2
    turns: list[tuple[list[float], list[float]]] = []
    answers: list[httpx.Response] = []
    for _ in track(range(TURNS), f"{name}: searches and bare inference in turns"):
        spent = [_ms(lambda: answers.append(client.send(requests.pop()))) for _ in range(IN_A_TURN)]
        turns.append((spent, [_ms(detect) + sum(_ms(encode) for _ in range(probes)) for _ in range(IN_A_TURN)]))
    stages = [answer.raise_for_status().json()["timings_ms"] for answer in answers]
    whole, bare = ([ms for turn in turns for ms in turn[side]] for side in (0, 1))
    ratios = [statistics.median(spent) / statistics.median(limit) for spent, limit in turns]
    report = {
        f"{name}_p50_ms": statistics.median(whole),
        f"{name}_p99_ms": float(np.percentile(whole, 99)),
        f"{name}_bare_p50_ms": statistics.median(bare),
        f"{name}_over_bare": statistics.median(ratios),
        f"{name}_over_bare_least": min(ratios),
        f"{name}_over_bare_most": max(ratios),
        f"{name}_probes": probes,
    }
    for stage in stages[-1]:
        report[f"{name}_{stage}_p50_ms"] = statistics.median(timings[stage] for timings in stages)
    return report


def _is_whole(answer: dict) -> bool:
    """Whether the search was for the whole frame alone; else the frame and the region are encoded."""
    x0, y0, x1, y1 = answer["regions"][answer["region"]]["box"]
    return (x1 - x0) * (y1 - y0) > 0.95


def _a_photo(client: httpx.Client) -> bytes:
    """The first picture of the demo catalogue in which a region is found, so that it is encoded beside the frame."""
    products = client.get("/v1/products", params={"page_size": 50}).raise_for_status().json()["products"]
    for product in products:
        address = f"/v1/products/{product['product_id']}/images/{product['images'][0]['id']}"
        photo = client.get(address).raise_for_status().content
        if not _is_whole(_search(client, _request(client, photo))):
            return photo
    raise LookupError("no picture of the demo has a region")


def _request(client: httpx.Client, photo: bytes) -> httpx.Request:
    """A search, ready to be sent again and again: what the client library takes to build it is not the server's time."""
    request = client.build_request("POST", "/v1/search", files={"image": photo})
    return client.build_request("POST", "/v1/search", content=request.read(), headers={"content-type": request.headers["content-type"]})


def _search(client: httpx.Client, request: httpx.Request) -> dict:
    return client.send(request).raise_for_status().json()
