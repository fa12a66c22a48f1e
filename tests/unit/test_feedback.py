"""The log of feedback: what is written is read again, and what is spoilt does no harm."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shoplens.domain import Action, Impression, ProductDetails, Reaction, Result, Scores
from shoplens.feedback import ShownResult, reaction_line, sessions, shown_line

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def impression(request_id: str, *products: str, team: str = "") -> Impression:
    results = tuple(Result(name, "1", "shirt", 0.5, Scores(0.5, colour=0.25), ProductDetails("secret"), team=team) for name in products)
    return Impression(request_id, NOW, results)


def test_a_search_is_read_again_with_the_strongest_of_what_was_done() -> None:
    lines = [
        shown_line(impression("one", "a", "b", team="learned")),
        reaction_line(Reaction("one", "b", Action.PURCHASE, NOW)),
        reaction_line(Reaction("one", "b", Action.CLICK, NOW)),
        reaction_line(Reaction("one", "c", Action.CLICK, NOW)),
        reaction_line(Reaction("another", "a", Action.CLICK, NOW)),
        shown_line(impression("two", "c")),
    ]
    one, two = sessions(lines)
    assert one.results == (
        ShownResult("a", {"visual": 0.5, "colour": 0.25}, "learned"),
        ShownResult("b", {"visual": 0.5, "colour": 0.25}, "learned"),
    )
    assert one.reactions == {"b": Action.PURCHASE}
    assert (two.request_id, two.at, two.reactions) == ("two", NOW, {})


def test_neither_photo_nor_words_nor_details_are_kept() -> None:
    assert b"secret" not in shown_line(impression("one", "a"))


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b'{"kind":"shown"}', b'{"kind":"reaction","request_id":"one"}'])
    )
)
def test_lines_that_cannot_be_read_are_passed_over(spoilt: list[bytes]) -> None:
    good = shown_line(impression("one", "a"))
    assert [session.request_id for session in sessions([*spoilt, good[: len(good) // 2], good, *spoilt])] == ["one"]
