"""One invocation: what its adapters do wrong is its failure."""

from pathlib import Path

import pytest

from fnhost.bindings.contract import Binding, BindingError, Event, Outcome, Value
from fnhost.host.app import Function
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.logging.events import InvocationEnded, InvocationException
from fnhost.host.logging.log import Log
from fnhost.host.tasks import UseCount
from fnhost.host.worker import Invocation

pytestmark = pytest.mark.anyio
BINDINGS = (
    Binding("message", "queuetrigger", "in"),
    Binding("given", "blob", "in"),
    Binding("out", "queue", "out"),
)
FUNCTION = Function("Copy", Path("Copy"), Path("Copy/__init__.py"), "main", "python", BINDINGS)


class Answers:
    """A worker whose functions answer "x" for the binding `out`."""

    use = UseCount()

    async def call(self, invocation: Invocation) -> Outcome:
        return Outcome({"out": "x"})


class Adapter:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def read(self, event: Event) -> Value:
        if self._error:
            raise self._error
        return "given"

    async def write(self, value: Value, event: Event) -> None:
        if self._error:
            raise self._error


@pytest.mark.parametrize("faulty", ["inputs", "outputs"])
async def test_an_adapter_that_raises_anything_fails_its_invocation(faulty: str) -> None:
    log = Log()
    inputs, outputs = Adapter(KeyError("k") if faulty == "inputs" else None), Adapter(KeyError("k"))
    invoker = FunctionInvoker(FUNCTION, Answers(), log, {"given": inputs}, {"out": outputs})
    with pytest.raises(BindingError, match="A binding of 'Copy' failed: KeyError: 'k'"):
        await invoker(Event("Copy", "text", "New queue message"))
    (ended,) = [one.event for one in log.recent.since()[0] if isinstance(one.event, InvocationEnded)]
    (told,) = [one.event for one in log.recent.since()[0] if isinstance(one.event, InvocationException)]
    assert (ended.outcome, told.exception) == ("Failed", "KeyError: 'k'")
    assert "in read" in told.stack if faulty == "inputs" else "in write" in told.stack
