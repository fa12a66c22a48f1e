"""The commands about the ranking: ``shoplens weights``, ``learn`` and ``trial``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from services.standalone.terminal import Terminal, told

weights = typer.Typer(no_args_is_help=True, help="The weights of the ranking: look at them, change them under a running server, go back.")

Folder = Annotated[
    Path, typer.Option("--data", help="The server's data folder; of services of their own, the folder that holds the rankers' `weights`.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
DEFAULT_DATA = Path("data")


@weights.command()
def show(
    data: Folder = DEFAULT_DATA,
    number: Annotated[int | None, typer.Option("--version", help="An older version.", min=0, show_default=False)] = None,
) -> None:
    """Print the weights in force, as a file to change and `set` again."""
    folder = _folder(data)
    with told(Terminal()):
        sys.stdout.write(folder.version(folder.newest() if number is None else number).text)


@weights.command(name="set")
def set_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The weights, as `show` prints them.")],
    data: Folder = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Put weights in force, everywhere within a second. Nothing is changed where they make no sense."""
    from shoplens.errors import InvalidArgument

    terminal = Terminal(quiet=json)
    with told(terminal):
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"{file} cannot be read ({error}); give the path of a file of weights.") from error
        _in_force(terminal, _folder(data).publish(text).number, json)


@weights.command()
def rollback(
    data: Folder = DEFAULT_DATA,
    number: Annotated[
        int | None, typer.Option("--to", help="The version to go back to; the one before unless told.", min=0, show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Put an older version in force again, as a new one."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        _in_force(terminal, _folder(data).roll_back(number).number, json)


@weights.command()
def history(data: Folder = DEFAULT_DATA, json: Json = False) -> None:
    """List every version; 0 is what ships."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        versions = _folder(data).versions()
        for each in versions:
            when = "ships with shoplens" if each.published_at is None else each.published_at.isoformat(timespec="seconds")
            terminal.say(f"{each.number:>4}  {when}{'  in force' if each == versions[-1] else ''}")
        if json:
            found = [(each.number, each.published_at) for each in versions]
            terminal.json([{"version": number, "published_at": None if at is None else at.isoformat()} for number, at in found])


KafkaServers = Annotated[
    str, typer.Option("--kafka", help="Kafka's host:port, where the feedback is a topic; else it is read from the data folder.")
]


def learn(
    data: Folder = DEFAULT_DATA,
    kafka: KafkaServers = "",
    publish: Annotated[bool, typer.Option(help="Put it in force if it wins.")] = True,
    trial: Annotated[bool, typer.Option(help="Let it play against the weights instead: `shoplens trial` tells who wins.")] = False,
    json: Json = False,
) -> None:
    """Learn a ranking from what shoppers did. It is used only where it wins on searches held back."""
    from services.ranker.learning import learn as learned_from
    from services.ranker.weights import RankingWeights
    from services.standalone.feedback import feedback_lines
    from shoplens.feedback import sessions

    terminal = Terminal(quiet=json)
    with told(terminal):
        folder = _folder(data)
        before = RankingWeights.parse(folder.version(folder.newest()).text).weights
        ranker, judged = learned_from(sessions(feedback_lines(data, kafka)), before)
        terminal.say(f"Learned from {judged.searches - judged.held_back} searches, judged on {judged.held_back} others.")
        terminal.say(f"nDCG@10 of what was clicked: {judged.before:.3f} with the weights, {judged.after:.3f} learned")
        terminal.say(f"(gain {judged.after - judged.before:+.3f}, 95 % interval {judged.gain_low:+.3f} to {judged.gain_high:+.3f}).")
        version = folder.publish_learned(ranker, trial=trial).number if judged.wins and publish else None
        if version is not None:
            terminal.say(f"{'It plays against the weights' if trial else 'It is in force'}: version {version}.")
        else:
            terminal.say("It would win, and was not put in force." if judged.wins else "It does not win for certain; the weights stay.")
        if json:
            terminal.json(_judged(judged) | {"version": version})


def trial(data: Folder = DEFAULT_DATA, kafka: KafkaServers = "", json: Json = False) -> None:
    """Tell who wins where a learned ranking plays against the weights."""
    from services.ranker.interleaving import standing
    from services.standalone.feedback import feedback_lines
    from shoplens.feedback import sessions

    terminal = Terminal(quiet=json)
    with told(terminal):
        found = standing(sessions(feedback_lines(data, kafka)))
        terminal.say(f"The weights won {found.fixed} searches, what was learned {found.learned}, {found.ties} were tied.")
        better = {"": "Too early to tell", "fixed": "The weights are better", "learned": "What was learned is better"}[found.better]
        terminal.say(f"{better} (p = {found.p_value:.2g}).")
        if json:
            known = {"fixed": found.fixed, "learned": found.learned, "ties": found.ties}
            terminal.json({**known, "p_value": found.p_value, "better": found.better or None})


def _folder(data: Path) -> Any:
    from services.ranker.publishing import WeightsFolder
    from services.standalone.places import WEIGHTS_FOLDER

    return WeightsFolder(data / WEIGHTS_FOLDER)


def _in_force(terminal: Terminal, version: int, json: bool) -> None:
    terminal.say(f"Version {version} is in force.")
    if json:
        terminal.json({"version": version})


def _judged(judged: Any) -> dict[str, Any]:
    gain = {"gain_low": judged.gain_low, "gain_high": judged.gain_high}
    return {"searches": judged.searches, "held_back": judged.held_back, "before": judged.before, "after": judged.after, **gain}
