"""Two pictures in one place of a query cannot both be its original, unless they are one picture."""

from __future__ import annotations

from services.copies.rivals import without_rivals
from shoplens.domain import Affine, Change, Copy

LEFT: Affine = ((2.0, 0.0, 0.0), (0.0, 1.0, 0.0))
RIGHT: Affine = ((2.0, 0.0, -1.0), (0.0, 1.0, 0.0))
MIRRORED: Affine = ((-1.0, 0.0, 1.0), (0.0, 1.0, 0.0))


def found(*copies: tuple[str, Affine]) -> list[Copy]:
    return [Copy(name, 0.99 - 0.01 * place, Change(affine=affine)) for place, (name, affine) in enumerate(copies)]


def names(copies: list[Copy], same: set[frozenset[str]] = frozenset()) -> list[str]:  # type: ignore[assignment]
    return [copy.content_hash for copy in without_rivals(copies, lambda one, other: frozenset((one, other)) in same)]


def test_the_likeliest_colour_of_one_photo_is_told() -> None:
    assert names(found(("red", LEFT), ("blue", LEFT), ("green", LEFT))) == ["red"]


def test_pictures_known_to_be_one_are_all_told() -> None:
    assert names(found(("red", LEFT), ("again", LEFT), ("blue", LEFT)), {frozenset(("red", "again"))}) == ["red", "again"]


def test_a_collages_parts_are_no_rivals() -> None:
    assert names(found(("one", LEFT), ("two", RIGHT))) == ["one", "two"]


def test_a_mirror_image_is_in_the_same_place() -> None:
    assert names(found(("one", MIRRORED), ("two", ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))))) == ["one"]
