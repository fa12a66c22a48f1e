"""What the command line prints: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.standalone.imports import Answer
from shoplens.config import SettingsError
from shoplens.errors import ShoplensError
from shoplens.models import ModelError

T = TypeVar("T")

_SHOWN: Final = 1_000
_SHOWN_BYTES: Final = 200
_VERDICTS: Final = {
    "exact_copy": "This very picture is in the catalogue.",
    "edited_copy": "An edited copy of this picture is in the catalogue.",
    "same_product": "This product is in the catalogue.",
    "similar": "These are the nearest products.",
    "no_match": "Nothing in the catalogue matches well.",
}


@contextmanager
def told(terminal: Terminal) -> Iterator[None]:
    """An error that we expect is a sentence and exit code 1, never a traceback."""
    try:
        yield
    except (ShoplensError, SettingsError, ModelError) as error:
        terminal.error(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        terminal.error("Interrupted; what was acknowledged is kept.")
        raise typer.Exit(130) from error


class Terminal:
    """``quiet``: only JSON is wanted; progress and remarks are kept back, errors are not."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        # Made anew with each terminal, so that tests see what a redirected stream was sent.
        # What is read by a program, or into a file, has no width to fit in.
        self._out = Console(file=sys.stdout, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
        self._err = Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        if not self._quiet:
            self._out.print(escape(text))

    def remark(self, text: str) -> None:
        if not self._quiet:
            self._err.print(escape(text), style="dim")

    def error(self, text: str) -> None:
        self._err.print(f"[bold red]Error:[/] {escape(text)}")

    def json(self, document: Any) -> None:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def progress(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """The items, with a bar that moves on at each."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._err, disable=self._quiet, transient=True) as bar:
            task = bar.add_task(what, total=total)
            for item in items:
                yield item
                bar.advance(task)

    def counted(self, items: Iterable[T], *, total: int, what: str, size: Callable[[T], int]) -> Iterator[T]:
        """The items, with a bar that moves on by each one's size."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._err, disable=self._quiet, transient=True) as bar:
            task = bar.add_task(what, total=total)
            for item in items:
                bar.advance(task, size(item))
                yield item

    def finding(self, what: str, state: str, text: str) -> None:
        """A line of a check-up, its state by sign and colour."""
        if not self._quiet:
            sign, colour = {"ok": ("✓", "green"), "warning": ("!", "yellow")}.get(state, ("✗", "red"))
            self._out.print(f"[bold {colour}]{sign}[/] {escape(what):20s} {escape(text)}")

    def bad_rows(self, failed: Sequence[Answer]) -> None:
        if self._quiet:
            return
        for answer in failed[:_SHOWN]:
            self._err.print(f"[red]{escape(str(answer))}[/]")
        if len(failed) > _SHOWN:
            self._err.print(f"[red]and {len(failed) - _SHOWN} more[/]")

    def results(self, answer: dict[str, Any]) -> None:
        """A search's answer as a table, best first."""
        self.say(_VERDICTS.get(answer["verdict"], answer["verdict"]))
        if not answer["results"]:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("score", justify="right", no_wrap=True)
        table.add_column("title")
        table.add_column("price", justify="right", no_wrap=True)
        table.add_column("category")
        table.add_column("product", overflow="fold")
        for result in answer["results"]:
            price = result["price"]
            cost = "" if price is None else f"{price['amount']:,.2f} {price['currency']}"
            cells = (f"{result['score']:.3f}", result["title"], cost, result["category"] or "", result["product_id"])
            table.add_row(*map(escape, cells))
        self._out.print(table)

    def copies(self, answer: dict[str, Any]) -> None:
        """The answer of a search for copies as a table, in its order."""
        if not answer["matches"]:
            self.say("No copy of it in the catalogue.")
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("score", justify="right", no_wrap=True)
        table.add_column("change")
        table.add_column("size", justify="right", no_wrap=True)
        table.add_column("published", no_wrap=True)
        table.add_column("creator")
        table.add_column("product", overflow="fold")
        for match in answer["matches"]:
            cells = (
                f"{match['score']:.3f}",
                _change(match["change"]),
                f"{match['width']} × {match['height']}",
                (match["published_at"] or "")[:10],
                match["creator"] or "",
                f"{match['product_id']} / {match['image_id']}",
            )
            table.add_row(*map(escape, cells))
        self._out.print(table)

    def dead_letters(self, letters: Sequence[dict[str, Any]]) -> None:
        """Messages that could not be applied, as a table, oldest first."""
        if not letters:
            self.say("No dead letters.")
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("told", "product", "reason", "what to correct", "message"):
            table.add_column(name, overflow="fold")
        for letter in letters:
            value = letter["value"] or ""
            shown = value if len(value) <= _SHOWN_BYTES else f"{value[:_SHOWN_BYTES]}…"
            table.add_row(*map(escape, (letter["told_at"][:19], letter["key"] or "", letter["reason"], letter["detail"], shown)))
        self._out.print(table)

    def comparison(self, answer: dict[str, Any]) -> None:
        """What a comparison of two pictures found, in a sentence or two."""
        if answer["change"] is None:
            self.say("Not a copy: nothing in the two pictures matches.")
            return
        found = "The very same file" if answer["exact"] else "A copy" if answer["copy"] else "Not a copy"
        self.say(f"{found} (probability {answer['score']:.3f}; {answer['threshold']:.2f} and more is called a copy).")
        self.say(f"Change: {_change(answer['change'])}.")
        self.say(f"Drawn in {answer['overlay']}.")


def _change(change: dict[str, Any]) -> str:
    """What was done to a picture, in words."""
    words = []
    if change["overlap"] < 0.97:
        words.append(f"cut to {change['overlap']:.0%}")
    if change["query_overlap"] < 0.97:
        words.append(f"within something larger ({change['query_overlap']:.0%} of it)")
    if change["flipped"]:
        words.append("mirrored")
    if change["recolouring"] != "none":
        words.append({"grey": "turned grey", "hue": "hues turned"}[change["recolouring"]])
    return ", ".join(words) or "none to speak of"
