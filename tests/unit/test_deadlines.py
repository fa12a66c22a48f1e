"""Deadlines: carried along, never lengthened, and told when they are over."""

from __future__ import annotations

import math

import pytest

from shoplens import deadlines
from shoplens.errors import DeadlineExceeded, Unavailable


def test_without_a_deadline_the_default_holds():
    assert deadlines.remaining_s(3.0) == 3.0


def test_the_rest_shrinks_and_is_given_back_on_leaving():
    with deadlines.within(10.0):
        assert 9.0 < deadlines.remaining_s(3.0) <= 10.0
    assert deadlines.remaining_s(3.0) == 3.0


def test_an_inner_deadline_shortens_but_never_lengthens():
    with deadlines.within(5.0):
        with deadlines.within(1.0):
            assert deadlines.remaining_s(9.0) <= 1.0
        with deadlines.within(60.0):
            assert deadlines.remaining_s(9.0) <= 5.0


def test_when_it_is_over_nothing_more_is_begun():
    with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
        deadlines.check()


def test_the_nearest_deadline_holds():
    with deadlines.within(10.0):
        with deadlines.within(5.0):
            assert deadlines.remaining_s(60.0) <= 5.0
        with deadlines.within(60.0):
            assert 5.0 < deadlines.remaining_s(60.0) <= 10.0


def test_a_part_that_is_too_slow_for_its_share_of_the_time_is_as_good_as_away() -> None:
    with deadlines.within(60.0), pytest.raises(Unavailable), deadlines.patience(0.0):
        deadlines.check()


def test_where_all_time_is_over_it_is_the_time_that_is_over() -> None:
    with deadlines.within(0.0), pytest.raises(DeadlineExceeded), deadlines.patience(60.0):
        deadlines.check()


def test_a_share_of_the_time_leaves_the_whole_request_s_end_what_it_is() -> None:
    assert deadlines.whole() == math.inf
    with deadlines.within(60.0):
        end = deadlines.whole()
        assert end < math.inf
        with deadlines.patience(1.0):
            assert deadlines.remaining_s(60.0) <= 1.0
            assert deadlines.whole() == end
    assert deadlines.whole() == math.inf
