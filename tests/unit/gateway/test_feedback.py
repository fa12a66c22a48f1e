"""What shoppers do with results is kept, and what was shown is noted without a search noticing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services.gateway.feedback import FeedbackFile, KafkaFeedback, NoFeedback
from shoplens import metrics
from shoplens.domain import Action, Impression, Reaction
from shoplens.errors import Unavailable
from shoplens.feedback import sessions
from tests.unit.gateway.shop import Shop, picture

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLICK = {"request_id": "r-1", "product_id": "a-1", "action": "click"}


def test_a_search_is_noted_under_the_id_that_its_answer_tells(client: TestClient, shop: Shop) -> None:
    answer = client.post("/v1/search", files={"image": ("photo.jpg", picture())}).json()
    similar = client.get("/v1/products/a-1/similar").json()
    assert [noted.request_id for noted in shop.impressions] == [answer["request_id"], similar["request_id"]]
    assert [result.product_id for result in shop.impressions[0].results] == [result["product_id"] for result in answer["results"]]


@pytest.mark.parametrize("name", ["action", "event", "type"])
@pytest.mark.parametrize("action", ["click", "basket", "purchase"])
def test_a_reaction_is_kept_once_it_is_answered(client: TestClient, shop: Shop, name: str, action: str) -> None:
    told = {"request_id": "r-1", "product_id": "a/1", name: action}
    response = client.post("/v1/feedback", json=told)
    assert response.status_code == 202
    assert response.json() == {"request_id": "r-1", "product_id": "a/1", "action": action}
    (kept,) = shop.reactions
    assert (kept.request_id, kept.product_id, kept.action) == ("r-1", "a/1", Action(action))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**CLICK, "action": "stare"}, "action"),
        ({**CLICK, "request_id": ""}, "request_id"),
        ({**CLICK, "request_id": "a b"}, "request_id"),
        ({**CLICK, "product_id": "\n"}, "product_id"),
        ({**CLICK, "product_id": 7}, "product_id"),
        ({**CLICK, "mood": "good"}, "mood"),
        ({"request_id": "r-1", "action": "click"}, "product_id"),
        ([], None),
        ("click", None),
    ],
)
def test_a_wrong_reaction_is_refused_by_its_field(client: TestClient, shop: Shop, body: object, field: str | None) -> None:
    response = client.post("/v1/feedback", json=body)
    assert response.status_code == 400
    assert response.json().get("field") == field
    assert not shop.reactions


def test_what_is_no_json_or_too_large_is_refused(client: TestClient) -> None:
    assert client.post("/v1/feedback", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post("/v1/feedback", data=CLICK).status_code == 415
    assert client.post("/v1/feedback", json={**CLICK, "product_id": "x" * 20_000}).status_code == 413


def test_a_log_that_is_away_is_said_so_and_never_fails_a_search(client: TestClient, shop: Shop) -> None:
    shop.failure = Unavailable("The log is away; try again.")
    assert client.post("/v1/feedback", json=CLICK).status_code == 503


def test_a_file_keeps_what_it_was_told_over_a_restart_and_a_line_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "feedback.ndjson"
    with FeedbackFile(path) as log:
        log.shown(Impression("one", NOW, ()))
    path.write_bytes(path.read_bytes() + b'{"kind": "sho')
    with FeedbackFile(path) as log:
        log.shown(Impression("two", NOW, ()))
    assert [session.request_id for session in sessions(path.read_bytes().splitlines())] == ["one", "two"]


def test_a_full_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "feedback.ndjson"
    with FeedbackFile(path, most_bytes=200) as log:
        for number in range(4):
            log.shown(Impression(f"search-{number}", NOW, ()))
    aside = path.with_name("feedback.ndjson.1")
    assert [session.request_id for session in sessions((aside.read_bytes() + path.read_bytes()).splitlines())] == [
        f"search-{number}" for number in range(4)
    ]


def test_a_file_that_cannot_be_written_loses_impressions_and_refuses_reactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FeedbackFile(tmp_path / "feedback.ndjson") as log:

        def full(_: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(log, "_write", full)
        before = metrics.FEEDBACK_LOST._value.get()
        log.shown(Impression("one", NOW, ()))
        assert metrics.FEEDBACK_LOST._value.get() == before + 1
        with pytest.raises(Unavailable, match="No space left"):
            log.reacted(Reaction("one", "a", Action.CLICK, NOW))


def test_where_none_is_kept_a_reaction_says_what_to_set() -> None:
    log = NoFeedback()
    log.shown(Impression("one", NOW, ()))
    with pytest.raises(Unavailable, match="Kafka's address"):
        log.reacted(Reaction("one", "a", Action.CLICK, NOW))


def test_while_kafka_is_away_searches_are_answered_and_reactions_sent_back() -> None:
    with KafkaFeedback("127.0.0.1:1") as log:
        log.shown(Impression("one", NOW, ()))
        with pytest.raises(Unavailable, match="Kafka"):
            log.reacted(Reaction("one", "a", Action.CLICK, NOW))
