"""Groups of copies: whoever is linked, over however many, is in one group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.copies.groups import Groups

names = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(names, names).filter(lambda pair: pair[0] != pair[1])))
def test_two_are_in_one_group_if_links_lead_from_one_to_the_other(links: list[tuple[str, str]]) -> None:
    groups = Groups(links).names("abcdefgh")
    reached = {name: {name} for name in "abcdefgh"}
    for _ in "abcdefgh":
        for one, other in links:
            joined = reached[one] | reached[other]
            for name in joined:
                reached[name] = joined
    for one in "abcdefgh":
        assert (one in groups) == (len(reached[one]) > 1)
        if one in groups:
            assert groups[one] == min(reached[one])


def test_only_direct_links_are_told_as_such() -> None:
    groups = Groups([("a", "b"), ("b", "c")])
    assert groups.linked("a") == ["b"]
    assert groups.linked("b") == ["a", "c"]
    assert groups.linked("z") == []


@given(st.lists(st.tuples(names, names).filter(lambda pair: pair[0] != pair[1])), st.sets(names))
def test_who_leaves_takes_along_the_links_that_led_over_it(links: list[tuple[str, str]], leaving: set[str]) -> None:
    groups = Groups(links)
    groups.leave(sorted(leaving))
    without = Groups((one, other) for one, other in links if not {one, other} & leaving)
    assert groups.names("abcdefgh") == without.names("abcdefgh")
    assert [groups.linked(name) for name in "abcdefgh"] == [without.linked(name) for name in "abcdefgh"]
