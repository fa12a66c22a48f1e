"""The command line: ``shoplens serve``, ``import``, ``search``, ``copies``, ``compare``.

``events`` and ``dead`` are in ``commands``; ``weights``, ``learn`` and ``trial`` in ``ranking``;
``migrate`` in ``migrating``; ``doctor``, ``backup``, ``restore`` and ``verify`` in ``upkeep``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.standalone import commands, keys, migrating, ranking, upkeep
from services.standalone.places import DEFAULT_SERVER
from services.standalone.settings import StandaloneSettings, settings_for
from services.standalone.terminal import Terminal, told
from shoplens import __version__
from shoplens.domain import CopyOrder
from shoplens.extras import the_extra

app = typer.Typer(name="shoplens", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
app.add_typer(commands.events, name="events")
app.add_typer(commands.dead, name="dead")
app.add_typer(ranking.weights, name="weights")
app.add_typer(keys.keys, name="keys")
app.add_typer(migrating.migrate, name="migrate")


def _checked_currency(code: str) -> str:
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise typer.BadParameter("three letters of ISO 4217, such as EUR")
    return code.upper()


Data = Annotated[Path | None, typer.Option(help="A data folder to work on directly; no server may be using it.", show_default=False)]
Server = Annotated[
    str | None, typer.Option(help=f"The address of a running server; {DEFAULT_SERVER} unless told otherwise.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
Currency = Annotated[str, typer.Option(help="The currency of prices that name none, as in a Shopify CSV.", callback=_checked_currency)]


@app.callback(invoke_without_command=True)
def shoplens(version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False) -> None:
    """Visual product search that a shop runs itself."""
    if version:
        typer.echo(f"shoplens {__version__}")
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any that is free.", min=0, max=65535)] = 8080,
    data: Annotated[
        Path | None, typer.Option(help="The folder that keeps the catalogue; data unless told otherwise.", show_default=False)
    ] = None,
    catalogue: Annotated[
        str, typer.Option(help="demo (real product photos, fetched once), none, or a feed as `import` reads it.", metavar="demo|none|FILE")
    ] = "demo",
    currency: Currency = "USD",
    updates: Annotated[
        Path | None, typer.Option(help="A file of events to follow: what is appended to it takes effect at once.", show_default=False)
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Listen beyond this machine without keys: something else guards it.")] = False,
    json: Json = False,
) -> None:
    """Serve the page and the API, all in this process."""
    from services.standalone import serving

    terminal = Terminal(quiet=json)
    with told(terminal):
        settings = settings_for(data).model_copy(update={"updates": updates} if updates is not None else {})
        serving.serve(host, port, settings, catalogue, currency=currency, terminal=terminal, as_json=json, open_to_all=open_)


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="NDJSON, a Shopify product CSV, a Google Merchant Center feed (TSV or XML), or a folder of pictures."
        ),
    ],
    server: Server = None,
    data: Data = None,
    features: Annotated[
        Path | None, typer.Option(help="With --data: the folder of features that `compute` made.", show_default=False)
    ] = None,
    currency: Currency = "USD",
    json: Json = False,
) -> None:
    """Bring a feed into the catalogue. Bad rows are told with their line; the rest goes in.

    Exits with 1 where a row failed.
    """
    from services.standalone.importing import import_feed

    terminal = Terminal(quiet=json)
    with told(terminal):
        target = _target(server, data)
        if features is not None:
            if isinstance(target, str):
                raise typer.BadParameter("Give --features together with --data: a server has features of its own.")
            target = target.model_copy(update={"features": features})
        imported, failed = import_feed(file, target, currency=currency, terminal=terminal)
        terminal.bad_rows(failed)
        terminal.say(f"{imported} imported, {len(failed)} failed")
        if json:
            terminal.json({"imported": imported, "failed": [answer.as_json() for answer in failed]})
    if failed:
        raise typer.Exit(1)


@app.command()
def compute(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A feed, as `import` reads it.")],
    features: Annotated[Path, typer.Option(help="The folder of features, in Parquet; what it holds is not computed again.")],
    spark: Annotated[
        str | None,
        typer.Option(help="Share the work out by Spark: local[2], spark://host:7077, or submitted by spark-submit.", show_default=False),
    ] = None,
    copies: Annotated[bool, typer.Option(help="What is known of pictures to find their copies, too: two fifths of the time.")] = True,
    chunk: Annotated[int, typer.Option(help="Pictures that are written together; killed, so many are lost at most.", min=1)] = 64,
    currency: Currency = "USD",
    json: Json = False,
) -> None:
    """Compute the features of a feed's pictures, and nothing twice; then `import --data … --features …` runs no model.

    Exits with 1 where a picture failed.
    """
    terminal = Terminal(quiet=json)
    with told(terminal):
        with the_extra("batch"):
            from services.standalone.batching import compute_feed
        report, bad = compute_feed(
            file, features, settings_for(None), spark=spark, currency=currency, terminal=terminal, copies=copies, chunk_size=chunk
        )
        failed = [*bad, *report.failures]
        for each in failed[:20]:
            terminal.say(f"{each.product_id} {each.image_id}: {each.reason}")
        terminal.say(f"{report.computed} computed, {report.known} known, {len(failed)} failed")
        if json:
            told_failures = [{"product_id": each.product_id, "image_id": each.image_id, "error": each.reason} for each in failed]
            terminal.json({"computed": report.computed, "known": report.known, "failed": told_failures})
    if failed:
        raise typer.Exit(1)


@app.command()
def duplicates(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A feed, as `import` reads it.")],
    features: Annotated[Path, typer.Option(help="The folder of features; fingerprints that it holds are not computed again.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the groups, a JSON list of pictures a line.", show_default=False)] = None,
    spark: Annotated[
        str | None,
        typer.Option(help="Share the work out by Spark: local[2], spark://host:7077, or submitted by spark-submit.", show_default=False),
    ] = None,
    currency: Currency = "USD",
    json: Json = False,
) -> None:
    """Group the pictures of a feed that are near duplicates: the same file, saved anew, in another light, mirrored.

    Exits with 1 where a picture failed.
    """
    from json import dumps

    terminal = Terminal(quiet=json)
    with told(terminal):
        with the_extra("batch"):
            from services.standalone.batching import duplicates_of
        groups, report, bad = duplicates_of(file, features, settings_for(None), spark=spark, currency=currency, terminal=terminal)
        failed = [*bad, *report.failures]
        listed = [[{"product_id": each.product_id, "image_id": each.image_id} for each in group] for group in groups]
        if out is not None:
            out.write_text("".join(dumps(group) + "\n" for group in listed), "utf-8")
        for each in failed[:20]:
            terminal.say(f"{each.product_id} {each.image_id}: {each.reason}")
        terminal.say(f"{len(groups)} groups with {sum(map(len, groups))} of {len(report.shown)} pictures; {len(failed)} failed")
        if json:
            terminal.json({"groups": listed, "pictures": len(report.shown), "failed": len(failed)})
    if failed:
        raise typer.Exit(1)


@app.command()
def search(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.")],
    server: Server = None,
    data: Data = None,
    top_k: Annotated[int, typer.Option(help="How many products.", min=1, max=200)] = 20,
    category: Annotated[str | None, typer.Option(help="Only products of this category, as in dress.", show_default=False)] = None,
    text: Annotated[str, typer.Option(help='What the photo does not show, as in "in red, with long sleeves".', show_default=False)] = "",
    only: Annotated[
        str, typer.Option("--filter", help='Only products of which this is true, as in "price < 50 AND brand = Acme".', show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Find the products that a photo shows, and those nearest to it."""
    from services.standalone.searching import search_photo

    terminal = Terminal(quiet=json)
    with told(terminal):
        answer = search_photo(photo, _target(server, data), top_k=top_k, category=category, text=text, only=only)
        if json:
            terminal.json(answer)
        else:
            terminal.results(answer)


@app.command()
def copies(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.")],
    server: Server = None,
    data: Data = None,
    sort: Annotated[CopyOrder, typer.Option(help="What comes first.")] = CopyOrder.BEST,
    top_k: Annotated[int, typer.Option(help="How many matches.", min=1, max=200)] = 20,
    json: Json = False,
) -> None:
    """Find the catalogue's pictures of which a picture is a copy, edited or not."""
    from services.standalone.searching import find_copies

    terminal = Terminal(quiet=json)
    with told(terminal):
        answer = find_copies(photo, _target(server, data), order=sort, top_k=top_k)
        if json:
            terminal.json(answer)
        else:
            terminal.copies(answer)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A picture that may be a copy.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="The picture that it may be a copy of.")],
    overlay: Annotated[Path, typer.Option(help="Where to draw how A lies over B, as a PNG.")] = Path("overlay.png"),
    json: Json = False,
) -> None:
    """Say whether one picture is a copy of another, how it was changed, and draw the one over the other.

    Needs no server and no catalogue. Exits with 0 whether it is a copy or not.
    """
    from services.standalone.comparing import compare_pictures

    terminal = Terminal(quiet=json)
    with told(terminal):
        answer = compare_pictures(one, other, overlay, StandaloneSettings.from_environment())
        if json:
            terminal.json(answer)
        else:
            terminal.comparison(answer)


def _target(server: str | None, data: Path | None) -> str | StandaloneSettings:
    if server is not None and data is not None:
        raise typer.BadParameter("Give --server or --data, not both.")
    return settings_for(data) if data is not None else server or DEFAULT_SERVER


for command in (ranking.learn, ranking.trial, upkeep.doctor, upkeep.backup, upkeep.restore, upkeep.verify):
    app.command()(command)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
