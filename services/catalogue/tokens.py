"""Page tokens: where the next page starts, opaque to whoever carries them."""

from __future__ import annotations

import base64
import binascii

from shoplens.errors import InvalidArgument


def token_after(product_id: str) -> str:
    """The token of the page that starts after this product."""
    return base64.urlsafe_b64encode(product_id.encode()).decode("ascii").rstrip("=")


def product_before(token: str) -> str:
    """The product that a page starts after; empty for the first page. Raises ``InvalidArgument``."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return raw.decode()
    except (binascii.Error, ValueError):
        raise InvalidArgument("The page token is not one of ours; start again without a token.") from None
