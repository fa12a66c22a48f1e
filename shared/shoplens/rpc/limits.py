"""The limits that servers and channels agree on."""

from __future__ import annotations

from typing import Final

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""The largest message either way: a picture is 3 MB of pixels at most, so this holds a product with twenty originals."""

MESSAGE_OPTIONS: Final = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)

KEEPALIVE_MS: Final = 20_000
"""A channel asks this often whether the other side still lives, and servers allow it."""
