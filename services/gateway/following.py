"""Which generation a gateway's answers come from: the one it was started with, or what the plan of a migration says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from services.gateway.generations import RemoteGenerations
from shoplens.migration.comparison import Shadow
from shoplens.migration.generations import Generations
from shoplens.migration.live import Seen
from shoplens.migration.overseer import Overseer
from shoplens.migration.plan import Wanted
from shoplens.migration.shared_plan import SharedPlan


@contextmanager
def followed(plan: str, makes: RemoteGenerations) -> Iterator[tuple[Generations, Seen | None]]:
    """The generations that a plan names, kept as it says, and who is to be told of each answer. plan: where it is kept, or empty.

    Raises ``Unavailable`` where nobody says what is planned: the wrong generation would be worse than none.
    """
    with ExitStack() as opened:
        if not plan:
            generations = Generations(makes.open(Wanted()))
            opened.callback(generations.close)
            yield generations, None
            return
        plans = opened.enter_context(closing(SharedPlan(plan)))
        generations, shadow = Generations(makes.open(plans.read().live)), Shadow()
        opened.callback(generations.close)
        opened.enter_context(shadow.comparing(generations))
        opened.enter_context(Overseer(plans, generations, shadow, open_=makes.open_ready, drop=lambda _: None).following())
        yield generations, shadow
