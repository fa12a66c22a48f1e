"""Generations whose parts are services of their own, as a gateway uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from services.gateway.copy_search import CatalogueCopySearch
from services.gateway.engine import CameraSearch
from services.gateway.sights import RememberingDetector, RememberingEncoder
from shoplens.migration.generations import Generation, Generations
from shoplens.migration.plan import PARTS, Wanted, require_parts
from shoplens.ports import Search
from shoplens.rpc.clients import CatalogueClient, CopiesClient, DetectorClient, EncoderClient, IngestClient, RankerClient
from shoplens.rpc.clients.client import Client
from shoplens.rpc.health import Probe
from shoplens.rpc.identity import Identity


class RemoteGenerations:
    """Opens generations by the addresses of their parts.

    parts: those of the first one, by name. copies: asked by searches only where ``copies_in_search``.
    """

    def __init__(
        self, parts: Mapping[str, str], copies: CopiesClient, *, copies_in_search: bool = True, identity: Identity | None = None
    ) -> None:
        self._first = parts
        self._copies = copies
        self._copies_in_search = copies_in_search
        self._identity = identity
        self._clients: dict[int, tuple[Client, ...]] = {}

    def open(self, wanted: Wanted) -> Generation:
        """Whether anybody serves there is not asked. Raises ``FailedPrecondition`` where an address is missing."""
        at = require_parts(self._first if wanted.parts is None else wanted.parts)
        with ExitStack() as opened:
            detector = opened.enter_context(DetectorClient(at["detector"], self._identity))
            encoder = opened.enter_context(EncoderClient(at["encoder"], self._identity))
            catalogue = opened.enter_context(CatalogueClient(at["catalogue"], self._identity))
            ranker = opened.enter_context(RankerClient(at["ranker"], self._identity))
            ingest = opened.enter_context(IngestClient(at["ingest"], self._identity))
            self._clients[wanted.number] = (detector, encoder, catalogue, ranker, ingest)
            remembering = RememberingDetector(detector), RememberingEncoder(encoder)
            search = CameraSearch(*remembering, catalogue, ranker, self._copies if self._copies_in_search else None)
            return Generation(
                number=wanted.number,
                search=search,
                ingest=ingest,
                catalogue=catalogue,
                copies=CatalogueCopySearch(self._copies, catalogue),
                close=opened.pop_all().close,
                parts=at,
            )

    def open_ready(self, wanted: Wanted) -> Generation:
        """As :meth:`open`, and all parts serve. Raises ``Unavailable`` too."""
        generation = self.open(wanted)
        try:
            for client in self._clients[wanted.number]:
                client.probe()
        except BaseException:
            generation.close()
            raise
        return generation

    def probes(self, generations: Generations) -> Mapping[str, Probe]:
        """Whether the parts of the generation that answers can do their work, each by its name."""
        return {part: partial(self._probe, generations, place) for place, part in enumerate(PARTS)}

    def _probe(self, generations: Generations, place: int) -> None:
        self._clients[generations.now.live.number][place].probe()


@contextmanager
def search_of(parts: Mapping[str, str], identity: Identity | None = None) -> Iterator[Search]:
    """One generation's searches alone, by the addresses of its parts."""
    with (
        DetectorClient(parts["detector"], identity) as detector,
        EncoderClient(parts["encoder"], identity) as encoder,
        CatalogueClient(parts["catalogue"], identity) as catalogue,
        RankerClient(parts["ranker"], identity) as ranker,
    ):
        yield CameraSearch(detector, encoder, catalogue, ranker, None)
