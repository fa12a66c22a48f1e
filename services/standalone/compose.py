"""All the parts in one process, wired by plain construction. The only module that knows every engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.catalogue.engine import MilvusCatalogue
from services.copies.engine import CopyFinder
from services.copies.keeping_up import keeping_up
from services.detector.engine import LiteRtDetector
from services.encoder.own import open_encoder
from services.gateway.copy_search import CatalogueCopySearch
from services.gateway.engine import CameraSearch
from services.gateway.feedback import FeedbackFile
from services.gateway.sights import RememberingDetector, RememberingEncoder
from services.ingest.afterwards import Afterwards
from services.ingest.engine import Pipeline
from services.ingest.followed import DeadFile, FollowedFile
from services.ingest.preparation import Preparation
from services.ingest.running import running
from services.ingest.stream import UpdateStream
from services.ranker.attributes import AttributeReader
from services.ranker.engine import FusionRanker
from services.ranker.live import LiveWeights
from services.standalone.places import (
    CATALOGUE_FILE,
    COPIES_FILE,
    DEAD_FILE,
    FEATURES_FILE,
    FEEDBACK_FILE,
    MARK_FILE,
    MIGRATION_FOLDER,
    PICTURES_FOLDER,
    WEIGHTS_FOLDER,
    generation_folder,
)
from services.standalone.settings import StandaloneSettings
from shoplens.buckets import Buckets
from shoplens.caches import Layered, SqliteCache
from shoplens.computed import computed_in
from shoplens.cores import Cores
from shoplens.decoders import decoding_apart
from shoplens.errors import Unavailable
from shoplens.fetcher import Fetcher
from shoplens.migration.comparison import Shadow
from shoplens.migration.generations import Generation, Generations
from shoplens.migration.live import LiveCatalogue, LiveCopySearch, LiveSearch
from shoplens.migration.mirroring import MirroredIngest
from shoplens.migration.overseer import Overseer
from shoplens.migration.plan import Wanted
from shoplens.migration.plan_folder import PlanFolder
from shoplens.model_store import model_folder
from shoplens.ports import Cache, Catalogue, CatalogueReader, CopySearch, FeedbackLog, Ingest, Search


@dataclass(frozen=True, slots=True)
class Parts:
    """Every part, behind its port; ``close`` what was opened, or use it as a context."""

    catalogue: CatalogueReader
    copies: CopySearch
    ingest: Ingest
    search: Search
    fetcher: Fetcher
    feedback: FeedbackLog
    readiness: Mapping[str, Callable[[], None]]
    _opened: ExitStack

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def compose(settings: StandaloneSettings) -> Parts:
    """Load the models and open the catalogue. Raises ``ModelError`` and what ``MilvusCatalogue.open`` raises."""
    settings.data.mkdir(parents=True, exist_ok=True)
    plans = PlanFolder(settings.data / MIGRATION_FOLDER)
    cores = Cores(settings.threads)
    with ExitStack() as opened:
        opened.enter_context(decoding_apart(settings.decoders))
        computed = None if settings.features is None else computed_in(settings.features)
        copies = opened.enter_context(
            CopyFinder(model_folder("copies", root=settings.models), settings.data / COPIES_FILE, cores=cores, made=computed)
        )
        fetcher = Fetcher(allow_private=settings.allow_private_addresses, file_root=settings.file_root, buckets=Buckets.from_environment())
        makes = _Generations(settings, cores, copies, fetcher, computed)
        generations, shadow = Generations(makes.open(plans.read().live)), Shadow()
        opened.callback(generations.close)
        catalogue = LiveCatalogue(generations)
        opened.enter_context(keeping_up(catalogue, copies))
        opened.enter_context(shadow.comparing(generations))
        opened.enter_context(Overseer(plans, generations, shadow, open_=makes.open, drop=makes.drop).following())
        return Parts(
            catalogue=catalogue,
            copies=LiveCopySearch(generations),
            ingest=MirroredIngest(generations),
            search=LiveSearch(generations, shadow),
            # A shopper's address leads to no folder and no bucket of the shop's.
            fetcher=Fetcher(allow_private=settings.allow_private_addresses),
            feedback=opened.enter_context(FeedbackFile(settings.data / FEEDBACK_FILE)),
            readiness={"catalogue": lambda: _require_finished(catalogue)},
            _opened=opened.pop_all(),
        )


@dataclass(frozen=True, slots=True)
class _Generations:
    """Makes generations, each with what belongs to its model; copies, pictures' addresses and processor cores belong to all."""

    settings: StandaloneSettings
    cores: Cores
    copies: CopyFinder
    fetcher: Fetcher
    computed: Cache | None

    def open(self, wanted: Wanted) -> Generation:
        settings, folder = self.settings, generation_folder(self.settings.data, wanted.number)
        models = settings.models if wanted.models is None else Path(wanted.models)
        detector = LiteRtDetector(model_folder("detector", root=models), self.cores)
        encoder = open_encoder(models, self.cores)
        card = encoder.card()
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            catalogue = opened.enter_context(
                MilvusCatalogue.open(str(folder / CATALOGUE_FILE), pictures=folder / PICTURES_FOLDER, card=card)
            )
            kept = opened.enter_context(SqliteCache(folder / FEATURES_FILE))
            features: Cache = kept if self.computed is None else Layered(kept, self.computed)
            preparation = Preparation.by(detector, encoder, self.copies, catalogue, self.fetcher, features)
            if settings.updates is not None:
                later = opened.enter_context(Afterwards(self.copies))
                for_many = Preparation.by(detector, encoder, later, catalogue, self.fetcher, features)
                _follow(settings, settings.updates, folder, for_many, catalogue, opened)
            search = CameraSearch(
                RememberingDetector(detector),
                RememberingEncoder(encoder),
                catalogue,
                FusionRanker(LiveWeights(settings.data / WEIGHTS_FOLDER), card, reader=AttributeReader.find(card, models)),
                self.copies if settings.copies_in_search else None,
            )
            return Generation(
                number=wanted.number,
                search=search,
                ingest=Pipeline(preparation, catalogue),
                catalogue=catalogue,
                copies=CatalogueCopySearch(self.copies, catalogue),
                close=opened.pop_all().close,
            )

    def drop(self, number: int) -> None:
        """Remove what a generation kept, and nothing else of a data folder."""
        folder = generation_folder(self.settings.data, number)
        for path in (folder / CATALOGUE_FILE, folder / f".{CATALOGUE_FILE}.lock", *folder.glob(f"{FEATURES_FILE}*"), folder / MARK_FILE):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder / PICTURES_FOLDER, ignore_errors=True)
        if folder != self.settings.data:
            shutil.rmtree(folder, ignore_errors=True)


def _follow(
    settings: StandaloneSettings, updates: Path, folder: Path, preparation: Preparation, catalogue: Catalogue, opened: ExitStack
) -> None:
    """Let what is appended to the file take effect, in a generation that is kept in ``folder``."""
    source = opened.enter_context(FollowedFile(updates, folder / MARK_FILE))
    opened.enter_context(running(UpdateStream(source, preparation, catalogue, DeadFile(settings.data / DEAD_FILE), workers=1)))


def _require_finished(catalogue: CatalogueReader) -> None:
    if not catalogue.status().ready:
        raise Unavailable("The index is still being built; try again shortly.")
