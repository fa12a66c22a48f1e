"""The commands of a migration, ``shoplens migrate …``, and ``shoplens verify``.

The commands write down what is wanted, in the data folder of a server that has all parts, or in the Redis that the gateways of a
system of services look at; they carry it out and tell how far they are.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.standalone.places import MIGRATION_FOLDER
from services.standalone.terminal import Terminal, told
from shoplens.errors import FailedPrecondition, InvalidArgument, Unavailable
from shoplens.migration.plan import Plan, Plans, require_parts, said
from shoplens.migration.plan_folder import PlanFolder

migrate = typer.Typer(no_args_is_help=True, help="Change to a new model under a running server, without a failed search, and back.")

FRESH_S: Final = 10.0
"""What the server told longer ago than this says that there is none."""

CARRIED_OUT_S: Final = 30.0
STARTED_S: Final = 120.0
_LOOK_S: Final = 0.05

Data = Annotated[Path, typer.Option(help="The server's data folder.")]
Redis = Annotated[
    str,
    typer.Option(help="In place of a data folder: redis://host:port/db where the gateways' plan is kept.", envvar="SHOPLENS_GATEWAY_PLAN"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]


@migrate.command()
def start(
    models: Annotated[Path | None, typer.Option(help="The folder of the new models, laid out as `models` is.", show_default=False)] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help="With --redis: a part of the new generation, as in encoder=encoder-2:50052; once for each.", show_default=False),
    ] = None,
    data: Data = Path("data"),
    redis: Redis = "",
    json: Json = False,
) -> None:
    """Fill a second index with the new models, beside the one that answers; from now on writes go into both.

    What `shoplens compute` made with these models (SHOPLENS_STANDALONE_FEATURES) is not computed again.
    """
    terminal = Terminal(quiet=json)
    with told(terminal):
        wanted = _new_parts(part or []) if redis else _new_models(models)
        plans = _plans(data, redis)
        with plans.changing():
            _running(plans)
            plan = plans.read().started(**wanted)
            plans.write(plan)
        assert plan.other is not None
        _carried_out(plans, plan, STARTED_S)
        terminal.say(f"Generation {plan.other.number} is being filled; `shoplens migrate status` tells how far it is.")
        if json:
            terminal.json({"number": plan.other.number})


@migrate.command()
def status(data: Data = Path("data"), redis: Redis = "", json: Json = False) -> None:
    """Tell which generation answers, and how far the other one is."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        plans = _plans(data, redis)
        plan, progress = plans.read(), plans.told()
        if json:
            terminal.json({"plan": said(plan), "progress": progress, "running": _is_fresh(progress)})
            return
        if plan.other is None:
            terminal.say(f"No migration; generation {plan.live.number} answers.")
            return
        for line in _lines(plan, progress):
            terminal.say(line)


@migrate.command()
def compare(
    data: Data = Path("data"),
    redis: Redis = "",
    labelled: Annotated[
        Path | None, typer.Option(help="A CSV with the columns photo and product_id: ask both generations for each.", show_default=False)
    ] = None,
    timeout: Annotated[float, typer.Option(help="How long to wait for --labelled, in seconds.", min=1.0)] = 600.0,
    json: Json = False,
) -> None:
    """Compare how both generations answer: one in ten of the shoppers' photos, and photos whose product is known."""
    terminal = Terminal(quiet=json)
    with told(terminal):
        plans = _plans(data, redis)
        plans.read().require_migration()
        if labelled is None:
            progress = _running(plans)
        elif redis:
            # The gateways do not see this machine's photos; but from here, too, both generations can be asked.
            progress = _running(plans)
            progress["labelled"] = _asked_from_here(progress, labelled)
        else:
            progress = _compared(plans, labelled, timeout)
        if json:
            terminal.json({"shoppers": progress["shoppers"], "labelled": progress["labelled"]})
            return
        for line in _comparison_lines(progress):
            terminal.say(line)


@migrate.command()
def switch(
    data: Data = Path("data"),
    redis: Redis = "",
    force: Annotated[bool, typer.Option(help="Even if the new index is not in step with the old one.")] = False,
    json: Json = False,
) -> None:
    """Let the new generation answer. The old one is kept in step beside it, for `rollback`."""
    _change_over(data, redis, back=False, force=force, json=json)


@migrate.command()
def rollback(
    data: Data = Path("data"),
    redis: Redis = "",
    force: Annotated[bool, typer.Option(help="Even if the old index is not in step with the new one.")] = False,
    json: Json = False,
) -> None:
    """Let the old generation answer again."""
    _change_over(data, redis, back=True, force=force, json=json)


@migrate.command()
def finish(data: Data = Path("data"), redis: Redis = "", json: Json = False) -> None:
    """Keep the new generation alone, and remove the old index."""
    _end(data, redis, abandoned=False, json=json)


@migrate.command()
def abandon(data: Data = Path("data"), redis: Redis = "", json: Json = False) -> None:
    """Keep the old generation alone, and remove the new index."""
    _end(data, redis, abandoned=True, json=json)


def _plans(data: Path, redis: str) -> Plans:
    if redis:
        from shoplens.migration.shared_plan import SharedPlan  # a client of Redis, which the other commands can do without

        return SharedPlan(redis)
    if not data.is_dir():
        raise InvalidArgument(f"{data} is no folder; give the server's data folder with --data, or the gateways' plan with --redis.")
    return PlanFolder(data / MIGRATION_FOLDER)


def _new_models(models: Path | None) -> dict[str, Any]:
    if models is None:
        raise InvalidArgument("Name the folder of the new models with --models.")
    if not models.is_dir():
        raise InvalidArgument(f"{models} is no folder; give the one that holds detector, encoder and copies.")
    return {"models": models.resolve()}


def _new_parts(given: list[str]) -> dict[str, Any]:
    parts = dict(name.partition("=")[::2] for name in given)
    return {"parts": dict(require_parts(parts))}


def _compared(plans: Plans, table: Path, timeout_s: float) -> dict[str, Any]:
    """What the servers tell, once photos whose products are known were asked of both generations."""
    with plans.changing():
        _running(plans)
        plans.write(plans.read().comparing(table.resolve()))
    time.sleep(2 * _LOOK_S)
    until = time.monotonic() + timeout_s
    while True:
        progress = _running(plans)
        if progress.get("problem"):
            raise FailedPrecondition(str(progress["problem"]))
        if progress.get("labelled") and progress.get("asked") == plans.read().asked:
            return progress
        if time.monotonic() > until:
            raise Unavailable("The labelled photos are not through yet; ask again, or allow it longer with --timeout.")
        time.sleep(10 * _LOOK_S)


def _asked_from_here(progress: dict[str, Any], table: Path) -> dict[str, Any]:
    from services.gateway.generations import search_of  # the models' clients, which the other commands can do without
    from services.gateway.settings import GatewaySettings
    from shoplens.migration.comparison import labelled, labelled_photos

    photos = labelled_photos(table)
    if not progress.get("other"):
        raise FailedPrecondition("Not every gateway has opened the second generation; `shoplens migrate status` tells why.")
    identity = GatewaySettings.from_environment().identity()
    with search_of(progress["live"]["parts"], identity) as live, search_of(progress["other"]["parts"], identity) as other:
        return labelled(photos, live, other).as_json()


def _change_over(data: Path, redis: str, *, back: bool, force: bool, json: bool) -> None:
    terminal = Terminal(quiet=json)
    with told(terminal):
        plans = _plans(data, redis)
        with plans.changing():
            plan = plans.read().changed_over(back=back)
            progress = _running(plans)
            if not force:
                _require_in_step(progress)
            asked_at = datetime.now(UTC)
            plans.write(plan)
        _carried_out(plans, plan, CARRIED_OUT_S)
        seconds = (datetime.now(UTC) - asked_at).total_seconds()
        terminal.say(f"Generation {plan.live.number} answers, after {seconds:.2f} s.")
        if json:
            terminal.json({"live": plan.live.number, "asked_at": asked_at.isoformat(), "seconds": round(seconds, 3)})


def _end(data: Path, redis: str, *, abandoned: bool, json: bool) -> None:
    terminal = Terminal(quiet=json)
    with told(terminal):
        plans = _plans(data, redis)
        with plans.changing():
            plan = plans.read().finished(abandoned=abandoned)
            _running(plans)
            plans.write(plan)
        _carried_out(plans, plan, STARTED_S)
        terminal.say(f"Generation {plan.live.number} answers alone.")
        if json:
            terminal.json({"live": plan.live.number})


def _carried_out(plans: Plans, plan: Plan, timeout_s: float) -> None:
    """Wait until the server has done what the plan says. Raises ``FailedPrecondition`` with what keeps it from that."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        progress = plans.told()
        if progress is not None and progress.get("plan") == said(plan):
            if progress["problem"]:
                raise FailedPrecondition(str(progress["problem"]))
            return
        time.sleep(_LOOK_S)
    raise Unavailable("The server has not carried it out yet; `shoplens migrate status` tells how far it is.")


def _running(plans: Plans) -> dict[str, Any]:
    """What the server told a moment ago. Raises ``Unavailable`` where none runs."""
    progress = plans.told()
    if progress is None or not _is_fresh(progress):
        raise Unavailable("No server follows this plan; start `shoplens serve` there, or gateways that are told of it: they do the work.")
    return progress


def _is_fresh(progress: dict[str, Any] | None) -> bool:
    return progress is not None and (datetime.now(UTC) - datetime.fromisoformat(progress["as_of"])).total_seconds() < FRESH_S


def _require_in_step(progress: dict[str, Any]) -> None:
    other = progress.get("other")
    if other is None or not progress["in_step"] or not other["ready"]:
        looked_at, total = (progress.get("pass", {}).get(name, 0) for name in ("looked_at", "of"))
        raise FailedPrecondition(
            f"The other generation is not in step yet ({looked_at} of {total} products compared); wait, or insist with --force."
        )


def _lines(plan: Plan, progress: dict[str, Any] | None) -> list[str]:
    if progress is None or not _is_fresh(progress):
        return ["A migration is planned, but no server follows it; it goes on with `shoplens serve`, or with the gateways."]
    lines = []
    for name, says in (("live", "answers"), ("other", "stands by")):
        each = progress.get(name)
        if each is not None:
            known = each.get("problem") or f"{each['products']} products, {each['pictures']} pictures"
            lines.append(f"Generation {each['number']} ({each.get('index', 'away')}) {says}: {known}.")
    done = progress.get("pass")
    if done is not None:
        lines.append(
            f"Compared {done['looked_at']} of {done['of']} products: {done['put']} put, {done['deleted']} deleted, {done['failed']} failed."
        )
        lines += [f"  {product_id}: {reason}" for product_id, reason in done["failures"]]
    if progress["problem"]:
        lines.append(f"Problem: {progress['problem']}")
    direction = "roll back" if plan.switched else "switch"
    lines.append(f"Both are in step; {direction} at any time." if progress["in_step"] else "Not in step yet.")
    return lines


def _comparison_lines(progress: dict[str, Any]) -> list[str]:
    shoppers, asked = progress["shoppers"], progress["labelled"]
    lines = ["No shopper's photo was compared yet; one in ten is."]
    if shoppers["photos"]:
        lines = [
            f"{shoppers['photos']} shoppers' photos: {shoppers['overlap_at_10']:.0%} of the first ten are the same,"
            f" {shoppers['same_first']:.0%} of the first; {shoppers['live_p50_ms']:.0f} ms now, {shoppers['other_p50_ms']:.0f} ms there."
        ]
    if asked is not None:
        for name, says in (("live", "now"), ("other", "there")):
            lines.append(f"{asked['photos']} labelled photos, {says}: R@1 {asked[name]['r@1']:.3f}, R@10 {asked[name]['r@10']:.3f}.")
    return lines
