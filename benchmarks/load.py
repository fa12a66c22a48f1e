"""Load on an HTTP server, by as many callers as one likes at the price of none: requests made before, sockets kept, bytes counted.

Closed: so many callers, each with its next request when the last is answered; says how much gets done. Open: requests at their own
times, answered or not, each timed from when it was due (Tene's coordinated omission); says how long shoppers wait.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_BOUNDARY = b"shoplens-bench"


@dataclass(slots=True)
class Answers:
    """What came back. waits_ms: of those with status 200. refusals_ms: of all others. statuses: how many of each.

    seconds: how long it took in all. answered_s: when each of ``waits_ms`` came, on the performance counter.
    """

    waits_ms: list[float] = field(default_factory=list)
    refusals_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    answered_s: list[float] = field(default_factory=list)

    @property
    def a_second(self) -> float:
        return len(self.waits_ms) / self.seconds

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.waits_ms, share * 100))


def search_request(photo: bytes, *, marked: int | None = None, path: str = "/v1/search") -> bytes:
    """``POST`` of a photo as it goes over the wire. ``marked``: makes the photo another file that looks the same."""
    content = photo if marked is None else photo + marked.to_bytes(8, "big")
    part = b'Content-Disposition: form-data; name="image"; filename="photo"\r\nContent-Type: image/jpeg'
    body = b"--" + _BOUNDARY + b"\r\n" + part + b"\r\n\r\n" + content + b"\r\n--" + _BOUNDARY + b"--\r\n"
    return _request("POST", path, b"multipart/form-data; boundary=" + _BOUNDARY, body)


def json_request(method: str, path: str, document: Mapping[str, Any]) -> bytes:
    """A request with a JSON document, as it goes over the wire."""
    return _request(method, path, b"application/json", json.dumps(document).encode())


def _request(method: str, path: str, content_type: bytes, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\nContent-Type: ".encode()
    return head + content_type + b"\r\n\r\n" + body


def never_the_same(photos: Sequence[bytes]) -> Iterator[bytes]:
    """Requests without end, each with a file that was not sent before."""
    dice, number = random.Random(0), time.time_ns()
    while True:
        for photo in dice.sample(photos, len(photos)):
            number += 1
            yield search_request(photo, marked=number)


def closed(port: int, requests: Iterator[bytes], *, callers: int, seconds: float) -> Answers:
    """Answers to ``callers`` who each wait for the last answer before they ask again."""

    async def caller(answers: Answers, until: float) -> None:
        connection = await _connect(port)
        while time.perf_counter() < until:
            await _ask(connection, next(requests), answers, since=time.perf_counter())
        connection[1].close()

    async def all_callers() -> Answers:
        answers, begun = Answers(), time.perf_counter()
        await asyncio.gather(*(caller(answers, begun + seconds) for _ in range(callers)))
        answers.seconds = time.perf_counter() - begun
        return answers

    return asyncio.run(all_callers())


def one_by_one(port: int, requests: Sequence[bytes]) -> Answers:
    """Answers to these requests, in order, to a single caller."""

    async def all_in_order() -> Answers:
        answers, connection = Answers(), await _connect(port)
        for request in requests:
            await _ask(connection, request, answers, since=time.perf_counter())
        connection[1].close()
        return answers

    return asyncio.run(all_in_order())


def open_(port: int, requests: Iterator[bytes], *, a_second: float, seconds: float) -> Answers:
    """Answers to requests that come by chance (Poisson), ``a_second`` on average."""

    async def one(answers: Answers, due: float) -> None:
        connection = await _connect(port)
        await _ask(connection, next(requests), answers, since=due)
        connection[1].close()

    async def all_in_time() -> Answers:
        answers, dice = Answers(), random.Random(1)
        begun = due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while due < begun + seconds:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(one(answers, due))
                due += dice.expovariate(a_second)
        answers.seconds = time.perf_counter() - begun
        return answers

    return asyncio.run(all_in_time())


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(port: int) -> _Connection:
    return await asyncio.open_connection("127.0.0.1", port, limit=2**22)


async def _ask(connection: _Connection, request: bytes, answers: Answers, *, since: float) -> None:
    reader, writer = connection
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(length.partition(b":")[2]))
    status = int(head[9:12])
    answers.statuses[status] += 1
    now = time.perf_counter()
    (answers.waits_ms if status == 200 else answers.refusals_ms).append((now - since) * 1000)
    if status == 200:
        answers.answered_s.append(now)
