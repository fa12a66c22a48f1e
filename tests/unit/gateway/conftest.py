"""An app over a shop in memory, and a client that never follows what it was not told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from fastapi.testclient import TestClient

from services.gateway.http import Credit, HttpSettings, create_app
from tests.unit.gateway.shop import Shop, ShopCatalogue, draft


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    for product_id in ("a-1", "b-2", "c-3"):
        shop.put(draft(product_id, category="Tops" if product_id == "a-1" else ""))
    return shop


@pytest.fixture
def connect(shop: Shop) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of an app with some settings of its own."""
    clients: list[TestClient] = []

    def made(readiness: dict[str, Callable[[], None]] | None = None, optional: Sequence[str] = (), **settings: object) -> TestClient:
        app = create_app(
            search=shop,
            copies=shop,
            ingest=shop,
            catalogue=ShopCatalogue(shop),
            fetcher=shop,
            feedback_log=shop,
            readiness=readiness or {"index": lambda: None},
            settings=HttpSettings(**settings),  # type: ignore[arg-type]
            optional=optional,
            credits=[Credit("Artwork by somebody", "https://example.org", "CC BY 4.0")],
        )
        client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        client.__enter__()
        clients.append(client)
        return client

    yield made
    for client in clients:
        client.__exit__()


@pytest.fixture
def client(connect: Callable[..., TestClient]) -> TestClient:
    return connect()
