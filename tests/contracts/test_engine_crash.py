"""A host that is killed between any two storage operations loses nothing: the next one comes to the same end."""

from collections.abc import AsyncIterator, Sequence

import pytest

from host.durable.sqlite import SqliteHub
from tests.support import programs
from tests.support.crashing import fast
from tests.support.engines import hub_settings, made
from tests.support.lives import HIDDEN, QUICK, SPEED, Life, World
from tests.support.programs import Tree
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]

ACT: Tree = ["act", 1, 0]
SCENARIOS: dict[str, Sequence[Tree]] = {
    "chain": [["do", ["act", 1, 0]], ["status", "half"], ["do", ["act", 2, 0]]],
    "fan": [["do", ["all", [["act", number, 0] for number in range(4)]]], ["do", ["act", "after", 0]]],
    "any": [["drain", [["act", 1, 2], ["timer", 1], ["event", "Go"]]], ["do", ["act", 2, 0]]],
    "race": [["race", [["act", 1, 0], ["act", 2, 0], ["event", "Go"]]], ["do", ["act", 3, 0]]],
    "timeout": [["timeout", ["event", "Go"]], ["do", ["timer", 1]]],
    "failure": [["do", ["fail", 0]], ["do", ["all", [["fail", 0], ["act", 1, 0]]]], ["throw"]],
    "retry": [["do", ["retry", "a", 1, 3, "ok"]], ["do", ["retry", "b", None, 2, "never"]]],
    "sub": [["do", ["sub", [["do", ACT]], None]], ["do", ["sub", [["throw"]], "named"]]],
    "again": [["do", ACT], ["status", 1], ["again", [["do", ["act", 2, 0]], ["again", [["do", ["act", 3, 0]]]]]]],
    "sub again": [["do", ["sub", [["do", ACT], ["again", [["do", ["act", 2, 0]]]]], None]], ["do", ["act", 3, 0]]],
    "retried sub": [["do", ["retried sub", "a", 1, [["do", ACT]]]]],
    "same child twice": [["do", ["sub", [["do", ACT]], "same"]], ["do", ["sub", [["do", ["act", 2, 0]]], "same"]]],
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = fast(SPEED)
    async with made(SqliteHub(hub_settings(hidden=HIDDEN), clock=clock)) as hub:
        yield World(hub, clock, QUICK)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_host_may_die_after_any_operation(world: World, scenario: str) -> None:
    functions, last = programs.functions(), 0
    needed = await world.live(Life(SCENARIOS[scenario]), functions)
    while last < needed:
        last += 1
        await world.live(Life(SCENARIOS[scenario]), functions, last)
