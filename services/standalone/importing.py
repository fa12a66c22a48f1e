"""``shoplens import``: a feed into a running server's catalogue, or into a data folder that no server uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.standalone.feeds import open_feed
from services.standalone.imports import Answer, PutMany, answers
from services.standalone.server import RemoteShop
from services.standalone.settings import StandaloneSettings
from services.standalone.terminal import Terminal
from shoplens import log


def import_feed(path: Path, target: str | StandaloneSettings, *, currency: str, terminal: Terminal) -> tuple[int, list[Answer]]:
    """How many products are in now, and the rows that are not. ``target``: a server's address, or the settings of a data folder."""
    feed = open_feed(path, currency=currency)
    total = feed.count()
    terminal.remark(f"{path} is {feed.format} with {total} products.")
    with _writer(target) as put_many:
        answered = terminal.progress(answers(feed.rows(), put_many), total=total, what="Importing")
        failed = [answer for answer in answered if answer.error]
    return total - len(failed), failed


@contextmanager
def _writer(target: str | StandaloneSettings) -> Iterator[PutMany]:
    if isinstance(target, str):
        with RemoteShop(target) as server:
            yield server.put_many
        return
    # Only here: loading the models takes seconds that a remote import need not wait for.
    from services.standalone.compose import compose

    log.configure(level="WARNING", service="standalone")
    with compose(target) as parts:
        yield parts.ingest.put_many
