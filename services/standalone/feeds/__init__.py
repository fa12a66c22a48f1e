"""What shops really have, read as products: NDJSON, a Shopify CSV, a Google Merchant Center feed, a folder of pictures."""

from services.standalone.feeds.formats import Feed, open_feed
from services.standalone.feeds.rows import Row

__all__ = ["Feed", "Row", "open_feed"]
