"""A running shoplens server, as the command line talks to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from shoplens.domain import CopyOrder, ImportOutcome, ProductDraft
from shoplens.errors import BY_REASON, Overloaded, ShoplensError, Unavailable
from shoplens.products import draft_document

BATCH_PRODUCTS: Final = 50
BATCH_BYTES: Final = 30_000_000
"""An import is sent in requests of at most this, so that progress is seen and no side holds much."""

TRIES: Final = 8
POLITELY: Final = wait_exponential(min=1.0, max=10.0)

_ANSWER_S: Final = 600.0


class RemoteShop:
    """The server at ``address``, as in ``http://127.0.0.1:8080``. Raises what the server raised, rebuilt, and ``Unavailable``."""

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None, *, between_tries: wait_base = POLITELY) -> None:
        """``between_tries``: how long to wait where the server has too much to do."""
        self._address = address.rstrip("/")
        self._patiently = Retrying(
            retry=retry_if_exception_type(Overloaded), wait=between_tries, stop=stop_after_attempt(TRIES), reraise=True
        )
        # The server is one's own: no proxy stands between.
        timeout = httpx.Timeout(10.0, read=_ANSWER_S)
        self._client = httpx.Client(base_url=self._address, timeout=timeout, transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        """As ``ports.Ingest.put_many``."""
        batch: list[bytes] = []
        for draft in drafts:
            line = json.dumps(draft_document(draft)).encode() + b"\n"
            if batch and (len(batch) == BATCH_PRODUCTS or sum(map(len, batch)) + len(line) > BATCH_BYTES):
                yield from self._import(batch)
                batch = []
            batch.append(line)
        if batch:
            yield from self._import(batch)

    def search(self, photo: bytes, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of ``POST /v1/search``, as JSON; ``form``: its fields beside the photo."""
        response = self._send("/v1/search", data=dict(form), files={"image": ("photo", photo)})
        answer: dict[str, Any] = response.json()
        return answer

    def copies(self, photo: bytes, *, order: CopyOrder, top_k: int) -> dict[str, Any]:
        """The answer of ``POST /v1/copies``, as JSON."""
        form = {"sort": order.value, "top_k": str(top_k)}
        response = self._send("/v1/copies", data=form, files={"image": ("photo", photo)})
        answer: dict[str, Any] = response.json()
        return answer

    def _import(self, lines: list[bytes]) -> Iterator[ImportOutcome]:
        response = self._patiently(
            self._send, "/v1/products:import", content=b"".join(lines), headers={"content-type": "application/x-ndjson"}
        )
        answered = 0
        for answer in map(json.loads, response.text.splitlines()):
            answered += 1
            yield ImportOutcome(answer["product_id"], answer["ok"], answer["error"] or "")
        if answered != len(lines):
            raise Unavailable(f"{self._address} stopped in the middle of the import; look at its log, then import again.")

    def _send(self, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._client.post(path, **request)
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            raise Unavailable(
                f"No shoplens server answers at {self._address} ({error}); start one with `shoplens serve`, or give --server or --data."
            ) from error
        if response.is_success:
            return response
        raise _rebuilt(response)


def _rebuilt(response: httpx.Response) -> ShoplensError:
    """The error that an answer of ``application/problem+json`` stands for."""
    try:
        problem = response.json()
        reason, detail = str(problem["type"]).rpartition("/")[2], str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"{response.request.url} answered {response.status_code} and no more; is a shoplens server there?")
    return BY_REASON.get(reason, ShoplensError)(detail)
