"""``shoplens verify``: whether two indexes hold the same, product by product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.catalogue.engine import MilvusCatalogue
from services.encoder.own import open_encoder
from services.standalone.places import CATALOGUE_FILE, MIGRATION_FOLDER, PICTURES_FOLDER, generation_folder
from services.standalone.settings import StandaloneSettings
from services.standalone.terminal import Terminal
from shoplens import log
from shoplens.cores import Cores
from shoplens.errors import InvalidArgument
from shoplens.migration.differences import Difference, Same, compared
from shoplens.migration.plan_folder import PlanFolder
from shoplens.ports import CatalogueReader
from shoplens.rpc.clients import CatalogueClient


@dataclass(frozen=True, slots=True)
class Verified:
    """How many products are alike, and what is different."""

    same: int
    differences: tuple[Difference, ...]


def verify(one: str, other: str, settings: StandaloneSettings, *, vectors: bool, terminal: Terminal) -> Verified:
    """Compare two indexes: data folders that no server uses, or catalogues' ``host:port``. Raises what opening them raises."""
    log.configure(level="WARNING", service="standalone")
    same, differences = 0, []
    with ExitStack() as opened:
        ours, theirs = (opened.enter_context(_catalogue(place, settings)) for place in (one, other))
        total = max(ours.status().products, theirs.status().products)
        for each in terminal.progress(compared(ours, theirs, vectors=vectors), total=total, what="Comparing"):
            if isinstance(each, Same):
                same += 1
            else:
                differences.append(each)
    return Verified(same, tuple(differences))


@contextmanager
def _catalogue(place: str, settings: StandaloneSettings) -> Iterator[CatalogueReader]:
    if _is_address(place):
        with CatalogueClient(place) as client:
            client.wait_until_serving()
            yield client
        return
    data = Path(place)
    live = PlanFolder(data / MIGRATION_FOLDER).read().live
    folder = generation_folder(data, live.number)
    if not (folder / CATALOGUE_FILE).exists():
        raise InvalidArgument(f"{place} holds no index; give a server's data folder, or a catalogue's host:port.")
    card = open_encoder(settings.models if live.models is None else Path(live.models), Cores(1)).card()
    with MilvusCatalogue.open(str(folder / CATALOGUE_FILE), pictures=folder / PICTURES_FOLDER, card=card) as catalogue:
        yield catalogue


def _is_address(place: str) -> bool:
    host, _, port = place.rpartition(":")
    return bool(host) and port.isdigit() and "/" not in host
