"""Where things are: files of a data folder, the server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
"""Where a server listens unless told otherwise."""

DEAD_FILE: Final = "dead.ndjson"
"""In a data folder: the messages of a followed file that could not be applied."""

MARK_FILE: Final = "updates.json"
"""In a data folder: how far a followed file is in effect."""


CATALOGUE_FILE: Final = "catalogue.db"
"""In a generation's folder: the index."""

PICTURES_FOLDER: Final = "pictures"
"""In a generation's folder: the products' pictures, as they came in."""

FEATURES_FILE: Final = "features.db"
"""In a generation's folder: what was computed of pictures."""

COPIES_FILE: Final = "copies.db"
"""In a data folder: the pictures among which copies are found."""

MIGRATION_FOLDER: Final = "migration"
"""In a data folder: which generation of the index answers, and how far a migration is."""

WEIGHTS_FOLDER: Final = "weights"
"""In a data folder: the versions of the ranking weights that were published."""

KEYS_FILE: Final = "keys.json"
"""In a data folder: the API keys, hashed."""

FEEDBACK_FILE: Final = "feedback.ndjson"
"""In a data folder: searches and what shoppers did with their results."""


def generation_folder(data: Path, number: int) -> Path:
    """Where a generation of the index lives: the first one in the data folder itself."""
    return data if number == 1 else data / "generations" / str(number)


def demo_cache() -> Path:
    """The packages of the demo catalogue, fetched once for every data folder of this user."""
    return Path.home() / ".cache" / "shoplens" / "demo"
