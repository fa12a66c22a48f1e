"""Settings: one typed, frozen class a service, read from the environment by its composition root alone.

A service's class names its prefix, so that ``SHOPLENS_CATALOGUE_MILVUS_URI`` can only mean one thing::

    class CatalogueSettings(Settings):
        model_config = prefix("CATALOGUE")
        milvus_uri: str
"""

from __future__ import annotations

from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


def prefix(service: str) -> SettingsConfigDict:
    """The model configuration of a service's settings."""
    return SettingsConfigDict(env_prefix=f"SHOPLENS_{service}_", frozen=True, extra="forbid")


class SettingsError(Exception):
    """The environment does not describe a service that can start; the message names each variable and what it needs."""


class Settings(BaseSettings):
    """Base of every service's settings."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings. Raises ``SettingsError``."""
        try:
            return cls()
        except ValidationError as error:
            name = cls.model_config.get("env_prefix", "")
            problems = (f"{name}{'.'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors())
            raise SettingsError("; ".join(problems)) from error
