"""``shoplens compute``: the features of a feed's pictures, by this process or by Spark, for a later ``import``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from services.batch.duplicates import MAKER as FINGERPRINTS
from services.batch.duplicates import near_duplicates
from services.batch.pictures import Failure, PictureRef, Report, Shown
from services.batch.work import CHUNK, Computing, work
from services.copies.fingerprint import all_eight
from services.copies.groups import Groups
from services.copies.signature import Signer, pack_signature
from services.detector.engine import LiteRtDetector
from services.encoder.own import open_encoder
from services.ingest.extraction import Extractor, maker_of
from services.standalone.feeds import open_feed
from services.standalone.settings import StandaloneSettings
from services.standalone.terminal import Terminal
from shoplens import deadlines
from shoplens.buckets import Buckets
from shoplens.cores import Cores
from shoplens.domain import ImageSource, Picture, ProductDraft
from shoplens.feature_store import FeatureStore
from shoplens.fetcher import Fetcher
from shoplens.images import decode
from shoplens.model_store import model_folder

PICTURE_S = 60.0
"""A picture's share of patience, its download included."""


class _Fetching:
    """Pictures by their address, for both kinds of ``services.batch.work.Computing``."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, uri: str) -> bytes:
        with deadlines.within(PICTURE_S):
            return self._fetcher.fetch(uri)


class PictureFingerprints(_Fetching):
    """Implements ``services.batch.work.Computing``: the fingerprint, for near duplicates."""

    @property
    def makers(self) -> Sequence[str]:
        return (FINGERPRINTS,)

    def compute(self, content: bytes, wanted: Sequence[str]) -> Mapping[str, bytes]:  # noqa: ARG002  it is the one
        return {FINGERPRINTS: fingerprints_of(content)}


class PictureFeatures(_Fetching):
    """Implements ``services.batch.work.Computing``: the write path's own extraction, with a cache that only listens.

    copies: what is known of a picture to find its copies, too.
    """

    def __init__(self, models: Path | None, cores: Cores, fetcher: Fetcher, *, copies: bool) -> None:
        super().__init__(fetcher)
        encoder = open_encoder(models, cores)
        self._heard: dict[str, bytes] = {}
        self._told = _Told()
        self._signer = Signer.load(model_folder("copies", root=models), cores) if copies else None
        detector = LiteRtDetector(model_folder("detector", root=models), cores)
        self._extractor = Extractor(detector, encoder, self._told, self)
        self._maker = maker_of(detector, encoder)

    @property
    def makers(self) -> Sequence[str]:
        return (self._maker,) if self._signer is None else (self._maker, self._signer.maker)

    def compute(self, content: bytes, wanted: Sequence[str]) -> Mapping[str, bytes]:
        made = {}
        if self._maker in wanted:
            with deadlines.within(PICTURE_S):
                self._extractor.extract(ImageSource("", content=content), content)
            (made[self._maker],) = self._heard.values()
            self._heard.clear()
        if self._signer is not None and self._signer.maker in wanted:
            made[self._signer.maker] = pack_signature(self._signer.sign(self._told.taken() or decode(content)))
        return made

    def get(self, key: str) -> bytes | None:  # noqa: ARG002  whatever it is
        """Implements ``ports.Cache``: nothing is known."""
        return None

    def set(self, key: str, value: bytes) -> None:
        self._heard[key] = value


class _Told:
    """Implements ``ports.KnownCopies`` by keeping the last picture that was told of: it is decoded already."""

    def __init__(self) -> None:
        self._picture: Picture | None = None

    def add(self, picture: Picture) -> None:
        self._picture = picture

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:  # noqa: ARG002  none is asked for
        return []

    def taken(self) -> Picture | None:
        """The picture, once."""
        picture, self._picture = self._picture, None
        return picture


def fingerprints_of(content: bytes) -> bytes:
    """A picture's fingerprint as it is, and mirrored, 64 bytes. Raises what ``images.decode`` raises."""
    return bytes(all_eight(decode(content).pixels)[:2].tobytes())


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be computed, as it travels to Spark's workers. fingerprints: those alone, and no models."""

    models: str | None
    home: str
    allow_private: bool
    threads: int
    fingerprints: bool
    copies: bool
    chunk_size: int

    def computing(self) -> Computing:
        fetcher = Fetcher(allow_private=self.allow_private, file_root=Path(self.home), buckets=Buckets.from_environment())
        if self.fingerprints:
            return PictureFingerprints(fetcher)
        return PictureFeatures(None if self.models is None else Path(self.models), Cores(self.threads), fetcher, copies=self.copies)


def computing(job: str) -> Computing:
    """Made anew in each of Spark's workers; one thread, for there are as many workers as cores."""
    return replace(_Job(**json.loads(job)), threads=1).computing()


def compute_feed(
    path: Path,
    store: Path,
    settings: StandaloneSettings,
    *,
    spark: str | None,
    currency: str,
    terminal: Terminal,
    fingerprints: bool = False,
    copies: bool = True,
    chunk_size: int = CHUNK,
) -> tuple[Report, list[Failure]]:
    """What became of the feed's pictures, and the rows that are no product. ``fingerprints``: those, instead of features.

    copies: what is known of pictures to find their copies, too. chunk_size: pictures that are written together.
    """
    feed = open_feed(path, currency=currency)
    pictures: list[PictureRef] = []
    bad: list[Failure] = []
    for row in feed.references():
        if isinstance(row.result, ProductDraft):
            pictures += [_reference(row.result.id, image) for image in row.result.images]
        else:
            bad.append(Failure(row.product_id, "", f"line {row.line}: {row.result}"))
    models = None if settings.models is None else str(settings.models.absolute())
    job = _Job(models, str(feed.home.absolute()), settings.allow_private_addresses, settings.threads, fingerprints, copies, chunk_size)
    reports = _sequential(pictures, store, job) if spark is None else _by_spark(pictures, store, job, spark)
    what = "Fingerprints" if fingerprints else "Computing"
    told = terminal.counted(reports, total=len(pictures), what=what, size=lambda report: report.pictures)
    return Report.summed(told), bad


def duplicates_of(
    path: Path, store: Path, settings: StandaloneSettings, *, spark: str | None, currency: str, terminal: Terminal
) -> tuple[list[list[Shown]], Report, list[Failure]]:
    """Groups of products' pictures that are near duplicates or the same file, and what became of the feed's pictures."""
    report, bad = compute_feed(path, store, settings, spark=spark, currency=currency, terminal=terminal, fingerprints=True)
    shown: dict[str, list[Shown]] = defaultdict(list)
    for each in report.shown:
        shown[each.content_hash].append(each)
    terminal.remark("Looking for near duplicates …")
    if spark is None:
        pairs = near_duplicates((name, kept) for name, kept in FeatureStore(store).rows(FINGERPRINTS) if name in shown)
    else:
        from services.batch import spark as by_spark

        pairs = [pair for pair in by_spark.near_duplicates(store.absolute(), master=spark) if shown.keys() >= {*pair}]
    names = Groups(pairs).names(list(shown))
    groups: dict[str, list[Shown]] = defaultdict(list)
    for content_hash, images in shown.items():
        groups[names.get(content_hash, content_hash)] += images
    found = [sorted(group, key=lambda each: (each.product_id, each.image_id)) for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: (group[0].product_id, group[0].image_id)), report, bad


def _sequential(pictures: list[PictureRef], store: Path, job: _Job) -> Iterator[Report]:
    here, features = job.computing(), FeatureStore(store)
    return work(pictures, here, features, known={maker: features.known(maker) for maker in here.makers}, chunk_size=job.chunk_size)


def _by_spark(pictures: list[PictureRef], store: Path, job: _Job, master: str) -> Iterator[Report]:
    from services.batch.spark import compute

    makers = job.computing().makers
    return compute(
        pictures,
        store.absolute(),
        make="services.standalone.batching:computing",
        settings=json.dumps(asdict(job)),
        makers=makers,
        chunk_size=job.chunk_size,
        master=master,
    )


def _reference(product_id: str, image: ImageSource) -> PictureRef:
    """A picture beside the feed by its name, as the fetcher reads it; one that came with the feed as it is."""
    if image.content is not None:
        return PictureRef(product_id, image.id, content=image.content)
    uri = image.uri or ""
    web = uri.lower().startswith(("http://", "https://", "file:", "s3://"))
    return PictureRef(product_id, image.id, uri=uri if web else f"file:{uri}")
