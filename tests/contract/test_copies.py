"""The contract of finding copies: the fake and the shipped model, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.copies.engine import CopyFinder
from services.copies.servicer import mount
from shoplens.cores import Cores
from shoplens.model_store import model_folder
from shoplens.ports import Copies
from shoplens.rpc.clients import CopiesClient
from shoplens.testing.contracts.copies import CopiesContract, shot
from shoplens.testing.fakes import FakeCopies
from tests.contract.served import ROUTES, served


@pytest.fixture(params=["fake", "LiteRT"])
def implementation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copies]:
    if request.param == "fake":
        yield FakeCopies()
        return
    with CopyFinder(model_folder("copies"), tmp_path / "copies.db", cores=Cores(1)) as finder:
        yield finder


@pytest.fixture(params=ROUTES)
def copies(request: pytest.FixtureRequest, implementation: Copies) -> Iterator[Copies]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), CopiesClient) as client:
        yield client


class TestCopies(CopiesContract):
    pass


def test_what_was_added_is_known_after_a_restart_and_in_its_group(tmp_path: Path) -> None:
    shots = [shot(3), shot(3, quality=90), shot(5)]
    with CopyFinder(model_folder("copies"), tmp_path / "copies.db", cores=Cores(1)) as finder:
        for picture in shots:
            finder.add(picture)
        assert finder.wait_until_linked(60.0)
    with CopyFinder(model_folder("copies"), tmp_path / "copies.db", cores=Cores(1)) as finder:
        names = [picture.content_hash for picture in shots]
        groups = finder.groups(names)
        assert set(groups) == set(names[:2])
        assert len(set(groups.values())) == 1
        assert [copy.content_hash for copy in finder.find(shots[0])] == names[:2]


def test_what_was_forgotten_is_no_copy_any_more_and_is_known_anew_when_it_comes_again(tmp_path: Path) -> None:
    shots = [shot(3), shot(3, quality=90), shot(5)]
    names = [picture.content_hash for picture in shots]
    for again in (False, True):
        with CopyFinder(model_folder("copies"), tmp_path / "copies.db", cores=Cores(1)) as finder:
            for picture in shots:
                finder.add(picture)
            assert finder.wait_until_linked(60.0)
            assert len(finder.groups(names)) == 2, again
            finder.forget(names[:1])
            assert list(finder.missing(names)) == names[:1]
            assert [copy.content_hash for copy in finder.find(shots[0])] == names[1:2]
            assert not finder.groups(names)
    with CopyFinder(model_folder("copies"), tmp_path / "copies.db", cores=Cores(1)) as finder:
        assert sorted(finder.names()) == sorted(names[1:])
