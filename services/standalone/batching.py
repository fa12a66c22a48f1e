"""``shoplens compute``: the features of a feed's pictures, by this process or by Spark, for a later ``import``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from services.batch.pictures import Failure, PictureRef, Report
from services.batch.store import FeatureStore
from services.batch.work import work
from services.detector.engine import LiteRtDetector
from services.encoder.own import open_encoder
from services.ingest.extraction import EXTRACTION, Extractor
from services.standalone.feeds import open_feed
from services.standalone.settings import StandaloneSettings
from services.standalone.terminal import Terminal
from shoplens import deadlines
from shoplens.cores import Cores
from shoplens.domain import ImageSource, Picture, ProductDraft
from shoplens.fetcher import Fetcher
from shoplens.model_store import model_folder

PICTURE_S = 60.0
"""A picture's share of patience, its download included."""


class PictureComputing:
    """Implements ``services.batch.work.Computing``: the write path's own extraction, with a cache that only listens."""

    def __init__(self, models: Path | None, cores: Cores, home: Path, *, allow_private: bool) -> None:
        encoder = open_encoder(models, cores)
        self._heard: dict[str, bytes] = {}
        detector = LiteRtDetector(model_folder("detector", root=models), cores)
        self._extractor = Extractor(detector, encoder, _NoCopies(), self)
        self._fetcher = Fetcher(allow_private=allow_private, file_root=home)
        self._maker = maker_of(encoder.card().model)

    @property
    def maker(self) -> str:
        return self._maker

    def fetch(self, uri: str) -> bytes:
        with deadlines.within(PICTURE_S):
            return self._fetcher.fetch(uri)

    def features(self, content: bytes) -> bytes:
        with deadlines.within(PICTURE_S):
            self._extractor.extract(ImageSource("", content=content), content)
        (kept,) = self._heard.values()
        self._heard.clear()
        return kept

    def get(self, key: str) -> bytes | None:  # noqa: ARG002  whatever it is
        """Implements ``ports.Cache``: nothing is known."""
        return None

    def set(self, key: str, value: bytes) -> None:
        self._heard[key] = value


class _NoCopies:
    """Implements ``ports.KnownCopies`` for who computes features alone; the finder of copies catches up with the catalogue."""

    def add(self, picture: Picture) -> None:
        """Known elsewhere, later."""

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:  # noqa: ARG002  none is asked for
        return []


def maker_of(model: str) -> str:
    """What the write path calls what makes its features."""
    return f"{EXTRACTION}:{model}"


def computing(settings: str) -> PictureComputing:
    """Made anew in each of Spark's workers, from settings as JSON; one thread, for there are as many workers as cores."""
    read = json.loads(settings)
    models = None if read["models"] is None else Path(read["models"])
    return PictureComputing(models, Cores(1), Path(read["home"]), allow_private=read["allow_private"])


def compute_feed(
    path: Path, store: Path, settings: StandaloneSettings, *, spark: str | None, currency: str, terminal: Terminal
) -> tuple[Report, list[Failure]]:
    """What became of the feed's pictures, and the rows that are no product."""
    feed = open_feed(path, currency=currency)
    pictures: list[PictureRef] = []
    bad: list[Failure] = []
    for row in feed.references():
        if isinstance(row.result, ProductDraft):
            pictures += [_reference(row.result.id, image) for image in row.result.images]
        else:
            bad.append(Failure(row.product_id, "", f"line {row.line}: {row.result}"))
    total = Report()
    reports = _sequential(pictures, store, settings, feed.home) if spark is None else _by_spark(pictures, store, settings, feed.home, spark)
    for report in terminal.counted(reports, total=len(pictures), what="Computing", size=lambda report: report.pictures):
        total += report
    return total, bad


def _sequential(pictures: list[PictureRef], store: Path, settings: StandaloneSettings, home: Path) -> Iterator[Report]:
    here = PictureComputing(settings.models, Cores(settings.threads), home, allow_private=settings.allow_private_addresses)
    features = FeatureStore(store)
    return work(pictures, here, features, known=features.known(here.maker))


def _by_spark(pictures: list[PictureRef], store: Path, settings: StandaloneSettings, home: Path, master: str) -> Iterator[Report]:
    from services.batch.spark import compute

    made = {
        "models": None if settings.models is None else str(settings.models.absolute()),
        "home": str(home.absolute()),
        "allow_private": settings.allow_private_addresses,
    }
    maker = maker_of(open_encoder(settings.models).card().model)
    run = partial(compute, make="services.standalone.batching:computing", settings=json.dumps(made), maker=maker, master=master)
    return run(pictures, store.absolute())


def _reference(product_id: str, image: ImageSource) -> PictureRef:
    """A picture beside the feed by its name, as the fetcher reads it; one that came with the feed as it is."""
    if image.content is not None:
        return PictureRef(product_id, image.id, content=image.content)
    uri = image.uri or ""
    web = uri.lower().startswith(("http://", "https://", "file:"))
    return PictureRef(product_id, image.id, uri=uri if web else f"file:{uri}")
