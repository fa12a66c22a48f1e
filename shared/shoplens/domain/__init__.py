"""What flows between the parts: pictures, regions, features, products, hits and answers.

Everything here is frozen and knows no other part. Arrays are documented by shape, dtype and range.
"""

from shoplens.domain.index import (
    Hit,
    IndexedImage,
    IndexedRegion,
    IndexStatus,
    StoredPicture,
)
from shoplens.domain.pictures import (
    WHOLE_FRAME,
    Box,
    EncoderCard,
    Features,
    Picture,
    Pixels,
    Region,
    Vector,
)
from shoplens.domain.products import (
    AttributeValue,
    ImageSource,
    ImportOutcome,
    Price,
    Product,
    ProductDetails,
    ProductDraft,
    ProductImage,
    ProductPage,
    ProductPatch,
)
from shoplens.domain.searches import (
    CategoryGuess,
    Contribution,
    Ranking,
    RankingQuery,
    Result,
    Scores,
    SearchAnswer,
    SearchQuery,
    Verdict,
)

__all__ = [
    "WHOLE_FRAME",
    "AttributeValue",
    "Box",
    "CategoryGuess",
    "Contribution",
    "EncoderCard",
    "Features",
    "Hit",
    "ImageSource",
    "ImportOutcome",
    "IndexStatus",
    "IndexedImage",
    "IndexedRegion",
    "Picture",
    "Pixels",
    "Price",
    "Product",
    "ProductDetails",
    "ProductDraft",
    "ProductImage",
    "ProductPage",
    "ProductPatch",
    "Ranking",
    "RankingQuery",
    "Region",
    "Result",
    "Scores",
    "SearchAnswer",
    "SearchQuery",
    "StoredPicture",
    "Vector",
    "Verdict",
]
