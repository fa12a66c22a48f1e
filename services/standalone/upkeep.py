"""The commands that keep an installation well: ``shoplens doctor``, ``backup``, ``restore`` and ``verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.places import DEFAULT_SERVER
from services.standalone.settings import settings_for
from services.standalone.terminal import Terminal, told

Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]


def verify(
    one: Annotated[str, typer.Argument(metavar="ONE", help="A data folder that no server uses, or a catalogue's host:port.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another, such as one that was built anew from the log of updates.")],
    vectors: Annotated[bool, typer.Option(help="Compare vectors too; both must be of one model.")] = True,
    json: Json = False,
) -> None:
    """Say whether two indexes hold the same: details, pictures, and vectors within 1e-5. Exits with 1 where they differ."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        from services.standalone import verifying

        found = verifying.verify(one, other, settings_for(None), vectors=vectors, terminal=terminal)
        for each in found.differences[:20]:
            terminal.say(f"{each.product_id}: {each.kind.value}. {each.detail}")
        terminal.say(f"{found.same} alike, {len(found.differences)} different")
        if json:
            differences = [{"product_id": each.product_id, "kind": each.kind.value, "detail": each.detail} for each in found.differences]
            terminal.json({"same": found.same, "differences": differences})
    if found.differences:
        raise typer.Exit(1)


def doctor(
    data: Annotated[Path | None, typer.Option(help="The data folder to look at.", show_default=False)] = None,
    server: Annotated[str, typer.Option(help="The server's address.")] = DEFAULT_SERVER,
    services: Annotated[bool, typer.Option("--services", help="Services of their own, at the environment's addresses.")] = False,
    json: Json = False,
) -> None:
    """Ask everything that shoplens depends on, and say what is wrong and what to do. Exits with 1 where there is a problem."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        from services.standalone import doctor as doctors

        findings = []
        for each in doctors.of_services() if services else doctors.of_one_process(settings_for(data), server):
            findings.append(each)
            terminal.finding(each.what, each.state.value, each.text)
        if json:
            terminal.json([{"what": each.what, "state": each.state.value, "text": each.text} for each in findings])
    if any(each.state is doctors.State.PROBLEM for each in findings):
        raise typer.Exit(1)


def backup(
    to: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or an earlier backup, of which only what is new is copied.")],
    data: Annotated[Path, typer.Option(help="The data folder; a server may go on serving from it.")] = Path("data"),
    json: Json = False,
) -> None:
    """Copy a data folder as it is at one moment. Searches go on; writes wait while the index is copied."""
    from services.standalone import backup as backups

    terminal = Terminal(quiet=json)
    with told(terminal):
        made = backups.backup(data, to)
        terminal.say(f"{made.pictures} pictures ({made.copied} new), {made.bytes / 1e6:.1f} MB; writes waited {made.paused_s:.2f} s")
        if json:
            terminal.json(asdict(made))


def restore(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="A backup.")],
    data: Annotated[Path, typer.Option(help="The new data folder; it must be empty.")] = Path("data"),
    json: Json = False,
) -> None:
    """Make a data folder of a backup; then serve it. What was told since is read again from the log or the feed."""
    from services.standalone import backup as backups

    terminal = Terminal(quiet=json)
    with told(terminal):
        made = backups.restore(source, data)
        terminal.say(f"{data} is as it was at {made.made_at}, with {made.pictures} pictures")
        if json:
            terminal.json({"made_at": made.made_at, "pictures": made.pictures})
