"""``shoplens keys``: who may do what with a server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from services.standalone.terminal import Terminal, told

keys = typer.Typer(no_args_is_help=True, help="API keys: make, list, remove. A running server follows within a second.")


class RoleName(StrEnum):
    """What a key may do: search, write (and search), everything."""

    SEARCH = "search"
    WRITE = "write"
    ADMIN = "admin"


Data = Annotated[Path, typer.Option(help="The server's data folder.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, as in storefront.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
DEFAULT_DATA = Path("data")


@keys.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="What it may do.")] = RoleName.WRITE,
    per_minute: Annotated[int, typer.Option(help="Requests a minute; 0 for any number.", min=0)] = 0,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Make a key, and print it: it is told this once, and only its hash is kept."""
    from services.gateway.http.keys import Role

    terminal = Terminal(quiet=json)
    with told(terminal):
        secret = _file(data).add(name, Role[role.name], per_minute)
        terminal.say(secret)
        terminal.remark("Keep it: it cannot be shown again. Send it as Authorization: Bearer <key>.")
        if json:
            terminal.json({"name": name, "role": role.value, "key": secret})


@keys.command(name="list")
def list_(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """List the keys, by name and role."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        found = _file(data).read().values()
        for key in found:
            terminal.say(f"{key.name}  {key.role.name.lower()}  {key.per_minute or 'any number'} a minute")
        if json:
            terminal.json([{"name": key.name, "role": key.role.name.lower(), "per_minute": key.per_minute} for key in found])


@keys.command()
def remove(name: Name, data: Data = DEFAULT_DATA) -> None:
    """Take a key away; a running server refuses it within a second."""
    terminal = Terminal()
    with told(terminal):
        _file(data).remove(name)
        terminal.say(f"{name} is gone.")


def _file(data: Path) -> Any:
    from services.gateway.http.keys import KeyFile
    from services.standalone.places import KEYS_FILE

    return KeyFile(data / KEYS_FILE)
