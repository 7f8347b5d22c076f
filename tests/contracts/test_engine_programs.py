"""Random orchestrations mean what they say, however often the host is killed while it runs them."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as draw

from tests.support import programs
from tests.support.lives import Life, live, on_sqlite
from tests.support.programs import Tree
from tests.support.sdk import SDK_WARNINGS

pytestmark = [*map(pytest.mark.filterwarnings, SDK_WARNINGS)]

DELAYS = draw.integers(0, 3)
NAME = "?"
"""Stands for a value or key of its own, given when the whole tree is known."""


def leaves(inner: bool) -> draw.SearchStrategy[Tree]:
    """Tasks without tasks in them. Those of a child wait for no events: nobody knows its id."""
    activities = draw.tuples(draw.just("act"), draw.just(NAME), DELAYS)
    timers = draw.tuples(draw.just("timer"), DELAYS)
    events = draw.tuples(draw.just("event"), draw.just(NAME))
    retries = draw.tuples(draw.just("retry"), draw.just(NAME), draw.integers(0, 2), draw.just(3), draw.just(NAME))
    return draw.one_of(activities, activities, timers, retries, *([] if inner else [events])).map(list)


def failing() -> draw.SearchStrategy[Tree]:
    hopeless = draw.tuples(draw.just("retry"), draw.just(NAME), draw.none(), draw.integers(1, 3), draw.just(NAME))
    return draw.one_of(draw.tuples(draw.just("fail"), DELAYS), hopeless).map(list)


def several(of: draw.SearchStrategy[Tree]) -> draw.SearchStrategy[Sequence[Tree]]:
    return draw.lists(of, min_size=1, max_size=3)


def subs(depth: int) -> draw.SearchStrategy[Tree]:
    children = steps(depth - 1, inner=True)
    plain = draw.tuples(draw.just("sub"), children, draw.one_of(draw.none(), draw.just(NAME)))
    retried = draw.tuples(draw.just("retried sub"), draw.just(NAME), draw.integers(0, 2), children)
    return draw.one_of(plain, retried).map(list)


def tasks(depth: int, inner: bool) -> draw.SearchStrategy[Tree]:
    if not depth:
        return leaves(inner)
    below = several(tasks(depth - 1, inner))
    return draw.one_of(
        leaves(inner),
        draw.tuples(draw.just("all"), below).map(list),
        draw.tuples(draw.just("any"), below).map(list),
        subs(depth),
    )


def steps(depth: int, inner: bool = False) -> draw.SearchStrategy[Sequence[Tree]]:
    """Failures stand alone or directly in a step's `all`: deeper ones meet a defect of the SDK (protocol 13)."""
    one = draw.one_of(
        draw.tuples(draw.just("do"), draw.one_of(tasks(depth, inner), failing())),
        draw.tuples(draw.just("do"), draw.tuples(draw.just("all"), several(draw.one_of(leaves(inner), failing())))),
        draw.tuples(draw.just("drain"), several(draw.one_of(leaves(inner), failing()))),
        draw.tuples(draw.just("race"), several(leaves(inner))),
        draw.tuples(draw.just("timeout"), leaves(inner)),
        draw.tuples(draw.just("status"), draw.just(NAME)),
    ).map(list)
    whole = draw.lists(one, min_size=1, max_size=4)
    ends: list[draw.SearchStrategy[Sequence[Tree]]] = [draw.just([]), draw.just([]), draw.just([["throw"]])]
    return draw.tuples(whole, draw.one_of(*ends, *([again(depth - 1)] if depth else []))).map(
        lambda parts: [*parts[0], *parts[1]]
    )


def again(depth: int) -> draw.SearchStrategy[Sequence[Tree]]:
    """An event could come before its wait, while an execution lasts that is then forgotten: so there is none."""
    return steps(depth, inner=True).map(lambda following: [["again", following]])


def named(tree: Any, numbers: Any) -> Any:
    """The tree with a number of its own in every place that asks for one."""
    if isinstance(tree, list | tuple):
        return [named(one, numbers) for one in tree]
    return f"n{next(numbers)}" if tree == NAME else tree


PROGRAMS = steps(2).map(lambda drawn: named(drawn, count(1)))
DEATHS = draw.lists(draw.integers(1, 40), max_size=3)


QUIETLY: Mapping[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=40, derandomize=True, **QUIETLY)
@given(program=PROGRAMS, deaths=DEATHS, at_once=draw.booleans())
def test_a_random_program_has_the_result_that_it_means(
    program: Sequence[Tree], deaths: Sequence[int], at_once: bool
) -> None:
    anyio.run(lived, program, deaths, at_once)


async def lived(program: Sequence[Tree], deaths: Sequence[int], at_once: bool) -> None:
    async with on_sqlite(at_once=at_once) as world:
        await live(world, Life(program), programs.functions(), *deaths)
