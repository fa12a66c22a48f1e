"""All the parts in one process, wired by plain construction. The only module that knows every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.catalogue.engine import MilvusCatalogue
from services.copies.catching_up import catching_up
from services.copies.engine import CopyFinder
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
from services.ranker.engine import FusionRanker
from services.ranker.live import LiveWeights
from services.standalone.extras import the_batch_extra
from services.standalone.places import DEAD_FILE, FEEDBACK_FILE, MARK_FILE, WEIGHTS_FOLDER
from services.standalone.settings import StandaloneSettings
from shoplens.caches import Layered, SqliteCache
from shoplens.cores import Cores
from shoplens.errors import Unavailable
from shoplens.fetcher import Fetcher
from shoplens.model_store import model_folder
from shoplens.ports import Cache, Catalogue, CopySearch, Detector, Encoder, FeedbackLog, Ingest, Ranker, Search


@dataclass(frozen=True, slots=True)
class Parts:
    """Every part, behind its port; ``close`` what was opened, or use it as a context."""

    detector: Detector
    encoder: Encoder
    catalogue: Catalogue
    ranker: Ranker
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
    cores = Cores(settings.threads)
    detector = LiteRtDetector(model_folder("detector", root=settings.models), cores)
    encoder = open_encoder(settings.models, cores)
    settings.data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        catalogue = opened.enter_context(
            MilvusCatalogue.open(str(settings.data / "catalogue.db"), pictures=settings.data / "pictures", card=encoder.card())
        )
        copies = opened.enter_context(CopyFinder(model_folder("copies", root=settings.models), settings.data / "copies.db", cores=cores))
        opened.enter_context(catching_up(catalogue, copies))
        fetcher = Fetcher(allow_private=settings.allow_private_addresses, file_root=settings.file_root)
        kept = opened.enter_context(SqliteCache(settings.data / "features.db"))
        features: Cache = kept if settings.features is None else Layered(kept, _computed(settings.features))
        preparation = Preparation.by(detector, encoder, copies, catalogue, fetcher, features)
        if settings.updates is not None:
            later = opened.enter_context(Afterwards(copies))
            for_many = Preparation.by(detector, encoder, later, catalogue, fetcher, features)
            _follow(settings, settings.updates, for_many, catalogue, opened)
        ranker = FusionRanker(LiveWeights(settings.data / WEIGHTS_FOLDER), encoder.card())
        return Parts(
            detector=detector,
            encoder=encoder,
            catalogue=catalogue,
            ranker=ranker,
            copies=CatalogueCopySearch(copies, catalogue),
            ingest=Pipeline(preparation, catalogue),
            search=CameraSearch(
                RememberingDetector(detector), RememberingEncoder(encoder), catalogue, ranker, copies if settings.copies_in_search else None
            ),
            fetcher=fetcher,
            feedback=opened.enter_context(FeedbackFile(settings.data / FEEDBACK_FILE)),
            readiness={"catalogue": lambda: _require_finished(catalogue)},
            _opened=opened.pop_all(),
        )


def _computed(folder: Path) -> Cache:
    with the_batch_extra():
        from services.batch.store import FeatureStore  # Arrow takes a second to import, and only batch work needs it

    return FeatureStore(folder)


def _follow(settings: StandaloneSettings, updates: Path, preparation: Preparation, catalogue: Catalogue, opened: ExitStack) -> None:
    """Let what is appended to the file take effect."""
    source = opened.enter_context(FollowedFile(updates, settings.data / MARK_FILE))
    opened.enter_context(running(UpdateStream(source, preparation, catalogue, DeadFile(settings.data / DEAD_FILE), workers=1)))


def _require_finished(catalogue: Catalogue) -> None:
    if not catalogue.status().ready:
        raise Unavailable("The index is still being built; try again shortly.")
