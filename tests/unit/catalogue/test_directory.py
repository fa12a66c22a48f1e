"""Which products there are: against a plain dict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.directory import Directory, Entry

IDS = st.sampled_from(["a", "b", "ä", "b/c", "名"])
STEPS = st.lists(st.tuples(IDS, st.booleans(), st.lists(st.sampled_from(["f1", "f2", "f3"]), min_size=1, max_size=3)), max_size=30)


@given(STEPS, IDS, st.integers(0, 6))
def test_it_holds_what_a_dict_would(steps: list[tuple[str, bool, list[str]]], start: str, count: int) -> None:
    directory, plain = Directory(), dict[str, Entry]()
    for number, (product_id, stays, files) in enumerate(steps):
        before = plain.get(product_id)
        if stays or before is None:
            base = before.base if before is not None and number % 2 else number * 10
            entry = Entry(product_id, number, number, base, 3, tuple(files))
            assert directory.set(entry) == before
            plain[product_id] = entry
        else:
            directory.remove(before)
            del plain[product_id]
        assert directory.changes == number + 1
        if before is not None and before.base not in {entry.base for entry in plain.values()}:
            assert directory.of_base(before.base) is None
    ordered = [plain[product_id] for product_id in sorted(plain)]
    assert directory.after("", 99) == ordered
    assert directory.after(start, count) == [entry for entry in ordered if entry.product_id > start][:count]
    assert len(directory) == len(plain)
    assert directory.images == sum(len(entry.files) for entry in ordered)
    shown = {file for entry in ordered for file in entry.files}
    assert all(directory.uses(file) == (file in shown) for file in ("f1", "f2", "f3"))
    for entry in ordered:
        assert directory.find(entry.product_id) is entry
        assert directory.of_base(entry.base) is entry
