"""Settings of the one-process composition."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.computed import COMPUTED
from shoplens.config import Settings, prefix
from shoplens.decoders import DECODERS


class StandaloneSettings(Settings):
    """``data`` is the folder in which everything lives; it is made if it is missing."""

    model_config = prefix("STANDALONE")

    data: Path = Path("data")
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    threads: int = Field(default=2, ge=1, le=64, description="Inference threads.")
    decoders: int = Field(default=2, ge=0, le=64, description=DECODERS)
    copies_in_search: bool = Field(
        default=True,
        description="Searches for products tell an edited copy, and show copies of one picture once; "
        "costs some tens of milliseconds where a photo is much like one of the catalogue's.",
    )
    allow_private_addresses: bool = Field(default=False, description="Let pictures be fetched from private addresses.")
    file_root: Path | None = Field(default=None, description="The folder below which file: addresses may be read.")
    features: Path | None = Field(default=None, description=COMPUTED)
    updates: Path | None = Field(default=None, description="A file of events to follow.")


def settings_for(data: Path | None) -> StandaloneSettings:
    """Those of the environment, for another data folder where one is given."""
    settings = StandaloneSettings.from_environment()
    return settings if data is None else settings.model_copy(update={"data": data})
