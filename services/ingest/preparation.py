"""A draft becomes what the catalogue stores: its pictures fetched, decoded, detected and encoded, and its place in the taxonomy."""

from __future__ import annotations

from services.ingest.category import node_of
from services.ingest.extraction import Extractor
from services.ingest.sources import PictureSource, Sources, named
from shoplens import deadlines
from shoplens.domain import ImageSource, IndexedImage, PreparedPut, ProductDraft
from shoplens.errors import InternalError, InvalidArgument, ShoplensError
from shoplens.ports import Cache, Catalogue, Detector, Encoder, KnownCopies


class Preparation:
    """Safe to use from many threads."""

    def __init__(self, extractor: Extractor, encoder: Encoder, sources: Sources) -> None:
        self._extractor = extractor
        self._encoder = encoder
        self._sources = sources

    @classmethod
    def by(
        cls, detector: Detector, encoder: Encoder, copies: KnownCopies, catalogue: Catalogue, fetcher: PictureSource, cache: Cache
    ) -> Preparation:
        """With these parts, which is all that it takes."""
        return cls(Extractor(detector, encoder, copies, cache), encoder, Sources(fetcher, catalogue, cache))

    def prepare(self, draft: ProductDraft) -> PreparedPut:
        """Raises what is wrong with a picture, and says which picture it is."""
        if not draft.images:
            raise InvalidArgument("A product is found by its pictures; send at least one.")
        images = tuple(self._image(source) for source in draft.images)
        card = self._encoder.card()
        return PreparedPut(draft, node_of(draft.details, images, card.categories), images, card.model)

    def _image(self, source: ImageSource) -> IndexedImage:
        deadlines.check()
        try:
            return self._extractor.extract(source, self._sources.content(source))
        except InternalError:
            raise
        except ShoplensError as error:
            raise named(source, error) from error
