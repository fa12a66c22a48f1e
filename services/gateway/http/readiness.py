"""Whether the parts are ready, each asked anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import structlog

from services.gateway.http.workers import Workers
from shoplens.errors import ShoplensError
from shoplens.optional_parts import OptionalParts

TIMEOUT_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """By part, ``ready`` or what it complains of; and those complaints for which searches cannot be answered."""

    parts: Mapping[str, str]
    missing: Mapping[str, str]


class Readiness:
    """``checks`` by part, each of which raises while its part is not ready.

    optional: parts among them that only help (:mod:`shoplens.optional_parts`).
    """

    def __init__(self, checks: Mapping[str, Callable[[], None]], optional: Collection[str] = ()) -> None:
        self._checks = checks
        self._optional = OptionalParts(optional)

    async def ask(self, probes: Workers) -> Found:
        """All of them, in the threads of ``probes``."""
        complaints = {name: await self._complaint(probes, name, check) for name, check in self._checks.items()}
        for name, complaint in complaints.items():
            if not complaint:
                self._optional.came(name)
        return Found(
            parts={name: complaint or "ready" for name, complaint in complaints.items()},
            missing={name: complaint for name, complaint in complaints.items() if complaint and not self._optional.may_be_away(name)},
        )

    async def _complaint(self, probes: Workers, name: str, check: Callable[[], None]) -> str:
        try:
            await probes.run(check, timeout_s=TIMEOUT_S)
        except ShoplensError as error:
            return error.message
        except Exception as error:  # whatever a part's check raises, the answer is that the part is not ready
            log.error("readiness_check_failed", part=name, exc_info=error)
            return "it does not answer as it should."
        return ""
