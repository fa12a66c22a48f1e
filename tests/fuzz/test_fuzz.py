"""A short run over every target, and everything that ever crashed again. ``make fuzz`` runs long."""

from __future__ import annotations

import time

import pytest

from tests.fuzz import __main__ as runner
from tests.fuzz.__main__ import CRASHES, fuzz
from tests.fuzz.mutation import bytes_mutated
from tests.fuzz.targets import Target, targets

SHORT = {"picture": 400, "feed": 400}
KEPT = sorted(path for path in CRASHES.rglob("*") if path.is_file())

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_good_inputs_are_accepted_and_bad_ones_refused_in_words(target: Target) -> None:
    assert all(target.accepts(seed) for seed in target.seeds)
    accepted, crashed = fuzz(target, SHORT.get(target.name, 2_000), seed=0)
    assert crashed == []
    assert accepted > 0


def test_what_crashed_once_does_no_more() -> None:
    known = {target.name: target for target in targets()}
    for kept in KEPT:
        known[kept.parent.name].accepts(kept.read_bytes())


def test_a_crash_and_a_hang_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "HANGS_S", 1)

    def brittle(content: bytes) -> None:
        if b"a" not in content:
            raise ValueError("no a")
        if content.startswith(b"aa"):
            time.sleep(5)

    target = Target("brittle", [b"abc"], bytes_mutated, brittle)
    _, crashed = fuzz(target, 200, seed=1)
    assert any(b"a" not in content for content in crashed)
    _, hung = fuzz(Target("slow", [b"aab"], lambda good, _, __: good, brittle), 1, seed=1)
    assert hung == [b"aab"]
