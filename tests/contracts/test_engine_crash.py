"""A host that is killed between any two storage operations loses nothing: the next one comes to the same end."""

import asyncio
from collections.abc import Sequence

import pytest

from azurite import Azurite
from bindings.storage import parse
from tests.support import programs
from tests.support.lives import Life, live, on_azure, on_sqlite
from tests.support.programs import Tree
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]

EVERY = 6
"""Which requests to Azure Storage are tried as the last one."""
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


@pytest.mark.parametrize("at_once", (True, False))
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_host_may_die_after_any_operation(scenario: str, at_once: bool) -> None:
    async with on_sqlite(at_once=at_once) as world:
        functions = programs.functions()
        needed = await live(world, Life(SCENARIOS[scenario]), functions)
        for last in range(1, needed + 1):
            await live(world, Life(SCENARIOS[scenario]), functions, last)


@pytest.mark.parametrize("scenario", ("chain", "any", "sub again"))
async def test_a_host_may_die_after_any_request(scenario: str, storage: Azurite) -> None:
    """A sample of them: each death costs a second, in which another host goes on."""
    account = parse(storage.connection_string)

    async def lived(*deaths: int) -> int:
        async with on_azure(account) as world:
            return await live(world, Life(SCENARIOS[scenario]), programs.functions(), *deaths)

    needed = await lived()
    await asyncio.gather(*(lived(last) for last in range(1, needed, EVERY)))
