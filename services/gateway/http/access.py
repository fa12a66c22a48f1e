"""Who may call what: a key in ``Authorization: Bearer …`` or ``X-API-Key``, once there are keys.

Searching is for everybody unless told otherwise, for a shop's page has no secret that it could keep; writing, and Prometheus'
metrics, need a key. Without any key everything is open, which is why a server without keys listens on loopback alone.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.http import problems
from services.gateway.http.keys import Key, KeyRing, Role
from shoplens.errors import Forbidden, Overloaded, ShoplensError, Unauthenticated

_SEARCHES = ("/v1/search", "/v1/looks", "/v1/copies", "/v1/feedback")
_OPERATIONS = ("/metrics",)
_MOST_CALLERS = 10_000
_MINUTE_S = 60.0


def needed(method: str, path: str) -> Role | None:
    """The role that a request takes; None for what is open: the page, its pictures, health."""
    if path in _OPERATIONS:
        return Role.ADMIN
    if not path.startswith("/v1/"):
        return None
    if path in _SEARCHES or path.endswith("/similar"):
        return Role.SEARCH
    return None if method in ("GET", "HEAD", "OPTIONS") else Role.WRITE


class Allowances:
    """How many requests each caller still has: a bucket that fills by ``per_minute`` and holds as many. Bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, per_minute: int) -> float:
        """Seconds to wait until the next request may be made; 0 where this one may."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(caller, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / _MINUTE_S)
            self._left[caller] = (left - 1 if left >= 1 else left, now)
            while len(self._left) > _MOST_CALLERS:
                self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) * _MINUTE_S / per_minute


class Access:
    """ASGI middleware. search_needs_key: searching is not for everybody. public_per_minute: of a caller without a key; 0 for any."""

    def __init__(self, app: ASGIApp, *, ring: KeyRing, search_needs_key: bool, public_per_minute: int) -> None:
        self._app = app
        self._ring = ring
        self._search_needs_key = search_needs_key
        self._public_per_minute = public_per_minute
        self._allowances = Allowances()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope)
            except ShoplensError as error:
                headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
                await problems.response(Request(scope), error, headers=headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raises ``Unauthenticated``, ``Forbidden`` and ``Overloaded``."""
        role = needed(scope["method"], scope["path"])
        if role is None:
            return
        secret = _secret(Headers(scope=scope))
        guarded = self._ring.guards
        key = self._ring.find(secret) if secret and guarded else None
        if guarded:
            self._check_role(role, secret, key)
        if key is not None and key.per_minute:
            self._spend(f"key {key.name}", key.per_minute)
        elif key is None and self._public_per_minute and role is Role.SEARCH:
            client = scope.get("client") or ("nobody", 0)
            self._spend(f"address {client[0]}", self._public_per_minute)

    def _check_role(self, role: Role, secret: str, key: Key | None) -> None:
        if secret and key is None:
            raise Unauthenticated("This key is not known; check it, or ask for a new one.")
        if key is None and (role is not Role.SEARCH or self._search_needs_key):
            raise Unauthenticated("This takes a key; send it as Authorization: Bearer <key>.")
        if key is not None and key.role < role:
            raise Forbidden(f"This takes a key of the role {role.name.lower()}; the key {key.name!r} has {key.role.name.lower()}.")

    def _spend(self, caller: str, per_minute: int) -> None:
        wait_s = self._allowances.take(caller, per_minute)
        if wait_s:
            raise Overloaded(f"More than {per_minute} requests a minute; wait and try again.", retry_after_s=wait_s)


def _secret(headers: Headers) -> str:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "").strip()
