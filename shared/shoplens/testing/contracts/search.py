"""What every search does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from shoplens import deadlines
from shoplens.domain import SearchAnswer, SearchQuery, Verdict
from shoplens.errors import DeadlineExceeded, InvalidArgument, NotFound
from shoplens.filters import parse
from shoplens.ports import Search
from shoplens.testing import pictures
from shoplens.testing.products import MIDDLE

PRODUCTS = {"p0": "t-shirt", "p1": "t-shirt", "p2": "sandals", "p3": "heels", "p4": "t-shirt", "p5": "sandals"}
"""What the searched catalogue holds: products by id with their nodes; the number is the seed of the only picture."""


def ids(answer: SearchAnswer) -> list[str]:
    return [result.product_id for result in answer.ranking.results]


class SearchContract:
    """Asks for the fixture ``search``, over a catalogue of ``PRODUCTS``."""

    def test_a_catalogue_picture_finds_its_product_first(self, search: Search) -> None:
        answer = search.search(SearchQuery(picture=pictures.picture(3)))
        assert ids(answer)[0] == "p3"
        assert answer.ranking.verdict is Verdict.EXACT_COPY
        assert all(better.score >= worse.score for better, worse in pairwise(answer.ranking.results))

    def test_the_answer_says_what_was_searched_and_with_what(self, search: Search) -> None:
        answer = search.search(SearchQuery(picture=pictures.picture(3)))
        assert answer.request_id
        assert answer.model
        assert answer.index.products == len(PRODUCTS)
        assert 0 <= answer.region < len(answer.regions)
        assert answer.timings_ms["total"] >= 0.0

    def test_a_drawn_box_is_what_is_searched_for(self, search: Search) -> None:
        answer = search.search(SearchQuery(picture=pictures.picture(3), box=MIDDLE))
        assert answer.regions[answer.region].box == MIDDLE

    def test_no_more_results_than_asked_for(self, search: Search) -> None:
        assert len(ids(search.search(SearchQuery(picture=pictures.picture(0), top_k=2)))) == 2

    def test_a_category_restricts_the_search(self, search: Search) -> None:
        answer = search.search(SearchQuery(picture=pictures.picture(0), category="shoes"))
        assert sorted(ids(answer)) == ["p2", "p3", "p5"]

    def test_an_explanation_is_given_when_asked_for(self, search: Search) -> None:
        query = SearchQuery(picture=pictures.picture(0))
        assert not search.search(query).ranking.results[0].explanation
        assert search.search(replace(query, explain=True)).ranking.results[0].explanation

    def test_a_look_has_a_row_a_piece_each_with_products_of_its_own(self, search: Search) -> None:
        look = search.look(SearchQuery(picture=pictures.picture(3), top_k=2, text="tee"))
        assert look.request_id
        assert look.index.products == len(PRODUCTS)
        assert look.rows
        for row in look.rows:
            assert len(row.ranking.results) == 2
            assert row.ranking.categories
        with pytest.raises(InvalidArgument, match="picture"):
            search.look(SearchQuery(product_id="p1"))

    def test_a_filter_restricts_the_search(self, search: Search) -> None:
        answer = search.search(SearchQuery(picture=pictures.picture(0), only=parse("product_id IN (p2, p5)")))
        assert sorted(ids(answer)) == ["p2", "p5"]

    def test_more_like_a_product_leaves_it_out(self, search: Search) -> None:
        expected = sorted(set(PRODUCTS) - {"p1"})
        assert sorted(ids(search.similar("p1"))) == expected
        assert sorted(ids(search.search(SearchQuery(product_id="p1")))) == expected
        assert len(ids(search.similar("p1", top_k=2))) == 2

    def test_more_like_nothing_is_not_found(self, search: Search) -> None:
        with pytest.raises(NotFound, match="p9"):
            search.similar("p9")

    def test_exactly_one_source(self, search: Search) -> None:
        for query in (SearchQuery(), SearchQuery(picture=pictures.picture(0), product_id="p1")):
            with pytest.raises(InvalidArgument, match="exactly one"):
                search.search(query)

    def test_nothing_is_done_for_nobody(self, search: Search) -> None:
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            search.search(SearchQuery(picture=pictures.picture(0)))
