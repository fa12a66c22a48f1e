"""The groups of commands about the update stream: ``shoplens events`` and ``shoplens dead``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.standalone.terminal import Terminal, told

events = typer.Typer(no_args_is_help=True, help="Tell the catalogue's changes: check a file of events, send it over Kafka.")
dead = typer.Typer(no_args_is_help=True, help="Look at messages that could not be applied, and tell them again.")

DEFAULT_KAFKA = "127.0.0.1:9092"

File = Annotated[Path, typer.Argument(metavar="FILE", help="Events, a JSON object a line, each with its product_id.")]
Kafka = Annotated[str, typer.Option(help="Kafka's host:port, several with commas.")]
Topic = Annotated[str, typer.Option(help="The topic of updates.")]
DeadTopicName = Annotated[str, typer.Option(help="The topic of dead letters.")]
Data = Annotated[Path | None, typer.Option(help="The data folder of a server that follows a file, instead of Kafka.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]


@events.command()
def schema() -> None:
    """Print the JSON Schema of an event."""
    from shoplens.events import event_schema

    Terminal().json(event_schema())


@events.command()
def validate(file: File, json: Json = False) -> None:
    """Check a file of events, and say of each wrong line what to correct. Exits with 1 where one is wrong."""
    from services.standalone.telling import event_lines

    terminal = Terminal(quiet=json)
    with told(terminal):
        lines = list(event_lines(file))
    wrong = [line for line in lines if line.problem]
    for line in wrong:
        terminal.say(f"line {line.line}: {line.problem}")
    terminal.say(f"{len(lines) - len(wrong)} good, {len(wrong)} wrong")
    if json:
        terminal.json([line.as_json() for line in lines])
    if wrong:
        raise typer.Exit(1)


@events.command()
def send(
    file: File,
    kafka: Kafka = DEFAULT_KAFKA,
    topic: Topic = "catalogue.updates",
    wait: Annotated[
        str | None, typer.Option(help="A server's address: wait until it finds what was sent.", metavar="SERVER", show_default=False)
    ] = None,
    timeout: Annotated[float, typer.Option(help="How long to wait, in seconds.", min=0.0)] = 60.0,
    json: Json = False,
) -> None:
    """Send a file of events over Kafka; nothing of it where a line is wrong."""
    from services.standalone.telling import event_lines, send_events, wait_until_searchable
    from shoplens.errors import InvalidArgument

    terminal = Terminal(quiet=json)
    with told(terminal):
        lines = list(event_lines(file))
        for line in lines:
            if line.problem:
                raise InvalidArgument(f"Nothing was sent. Line {line.line}: {line.problem}")
        send_events(lines, kafka, topic)
        sent_at = datetime.now(UTC)
        if wait is not None:
            wait_until_searchable(wait, sent_at, timeout)
        terminal.say(f"{len(lines)} sent{'' if wait is None else ', and in effect'}")
        if json:
            terminal.json({"sent": len(lines), "sent_at": sent_at.isoformat(), "in_effect": wait is not None})


@events.command()
def snapshot(
    out: Annotated[Path, typer.Option(help="Where to write the products, as NDJSON.")],
    kafka: Kafka = DEFAULT_KAFKA,
    topic: Topic = "catalogue.updates",
    file: Annotated[Path | None, typer.Option(help="A file of events, instead of Kafka.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Fold the log of updates into a feed: every product as the log leaves it, for `import` and `compute`."""
    from services.standalone import snapshots

    terminal = Terminal(quiet=json)
    with told(terminal):
        found = snapshots.snapshot(snapshots.of_topic(kafka, topic) if file is None else snapshots.of_file(file))
        with out.open("w", encoding="utf-8") as lines:
            lines.writelines(found.lines())
        terminal.say(f"{len(found.products)} products, {found.refused} messages passed over")
        if json:
            terminal.json({"products": len(found.products), "refused": found.refused})


@dead.command(name="list")
def list_(
    kafka: Kafka = DEFAULT_KAFKA,
    dead_topic: DeadTopicName = "catalogue.updates.dead",
    data: Data = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that were replayed, too.")] = False,
    json: Json = False,
) -> None:
    """Show the messages that could not be applied, with the reason."""
    from services.standalone.telling import DeadFolder, DeadTopic, documents

    terminal = Terminal(quiet=json)
    with told(terminal):
        if data is not None:
            letters: Sequence[dict[str, Any]] = DeadFolder(data).letters()
        else:
            with closing(DeadTopic(kafka, dead_topic)) as topic:
                letters = documents(topic.letters(again=all_))
        if json:
            terminal.json(letters)
        else:
            terminal.dead_letters(letters)


@dead.command()
def replay(
    kafka: Kafka = DEFAULT_KAFKA,
    topic: Topic = "catalogue.updates",
    dead_topic: DeadTopicName = "catalogue.updates.dead",
    data: Data = None,
    updates: Annotated[Path | None, typer.Option(help="With --data: the file that the server follows.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Tell the messages once more, as they were, once what was wrong is mended."""
    from services.standalone.telling import DeadFolder, DeadTopic

    terminal = Terminal(quiet=json)
    if (data is None) != (updates is None):
        raise typer.BadParameter("Give --data and --updates together.")
    with told(terminal):
        if data is not None and updates is not None:
            told_again = DeadFolder(data).replay(updates)
        else:
            with closing(DeadTopic(kafka, dead_topic)) as letters:
                told_again = letters.replay(topic)
        terminal.say(f"{told_again} told again")
        if json:
            terminal.json({"replayed": told_again})
