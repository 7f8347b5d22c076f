"""The ring of invocations: nothing before a page is opened, bounded from then on."""

import asyncio

import pytest

from fnhost.bindings.contract import Event, Failure, HttpRequest, Outcome
from fnhost.host.logging.events import InvocationEnded, InvocationException, InvocationStarted, UserLog
from fnhost.host.logging.log import MOST_SEEN, RECENT_RECORDS, Level, Log
from fnhost.host.web.dashboard import recording
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.recording import SOON, InvocationHistory, RequestedCall, calling, shown_row
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio


class Site:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log, self.live = Log(clock=self.clock), LiveEvents(clock=self.clock)
        self.history = InvocationHistory(self.log, self.live, lambda: 3)

    def run(self, id: str, value: object = "given", failure: str = "") -> None:
        """An invocation as the invoker tells it."""
        trigger = "httptrigger" if isinstance(value, HttpRequest) else "queuetrigger"
        event = Event("F", value, "why")  # type: ignore[arg-type]
        self.log.write(InvocationStarted(function="F", invocation=id, reason="why", trigger=trigger))
        if self.log.observer:
            self.log.observer.called(id, event)
        self.log.write(UserLog(function="F", invocation=id, level=Level.INFORMATION, message="said"))
        if self.log.observer:
            outcome = Outcome({"out": "x"}, None, Failure(failure) if failure else None)
            self.log.observer.answered(id, {"in": event.value}, outcome)
        self.log.write(
            InvocationEnded(function="F", invocation=id, outcome="Failed" if failure else "Succeeded", duration_ms=1.0)
        )
        if failure:
            self.log.write(InvocationException(function="F", invocation=id, exception=failure))


async def test_nothing_is_kept_before_it_is_opened_but_what_records_tell() -> None:
    site = Site()
    site.run("one", failure="E: bad\nmore")
    assert site.log.observer is None and list(site.history) == []
    site.history.open()
    site.history.open()
    (row,) = site.history
    shown = shown_row(row)
    assert (shown["state"], shown["error"], shown["version"]) == ("failed", "E: bad", 3)
    assert not row.has_values and row.event is None
    site.run("two")
    assert [row.id for row in site.history] == ["two", "one"]
    assert site.history.find("two").has_values  # type: ignore[union-attr]


async def test_more_records_are_kept_once_it_is_open() -> None:
    site = Site()
    site.history.open()
    for number in range(RECENT_RECORDS):
        site.run(str(number))
    assert len(site.log.recent.since()[0]) == 3 * RECENT_RECORDS


async def test_the_ring_is_bounded_by_count_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_INVOCATIONS", 5)
    site = Site()
    site.history.open()
    for number in range(8):
        site.run(str(number))
    assert ([row.id for row in site.history], site.history.dropped) == (["7", "6", "5", "4", "3"], 3)
    monkeypatch.setattr(recording, "MOST_BYTES", 5 * MOST_SEEN)
    for number in range(8, 11):
        site.run(str(number), "x" * (3 * MOST_SEEN))
    rows = list(site.history)
    assert [row.id for row in rows] == ["10", "9"], "each holds its trigger's value and its input"
    assert sum(row.size for row in rows) <= 5 * MOST_SEEN
    assert rows[0].event is None, "what was cut cannot be run again"


async def test_a_reply_belongs_to_the_invocation_of_its_task() -> None:
    site = Site()
    site.history.open()
    request = HttpRequest("GET", "http://h/api/x?y=1", {}, {}, {}, None)

    async def serve(id: str, status: int) -> None:
        site.run(id, request)
        await asyncio.sleep(0)
        site.history.replied(status, [(b"Content-Type", b"text/plain")], b"body")
        site.history.replied(404, [], b"")

    await asyncio.gather(serve("a", 200), serve("b", 201))
    shown = {row.id: shown_row(row) for row in site.history}
    assert {id: (row["status"], row["what"]) for id, row in shown.items()} == {
        "a": (200, "GET /api/x?y=1"), "b": (201, "GET /api/x?y=1"),
    }  # fmt: skip


async def test_a_call_knows_the_first_invocation_that_it_began() -> None:
    site = Site()
    site.history.open()
    call = RequestedCall("origin")

    async def work() -> None:
        with calling(call):
            site.run("a")
            site.run("b")
        site.run("c")

    await work()
    assert call.invocation.result() == "a"
    assert [row.again_of for row in site.history] == ["", "origin", "origin"]


async def test_pages_that_read_are_told_rows_and_lines() -> None:
    site = Site()
    site.history.open()
    with site.live.reading(["invocations", "log:a"]) as reader:
        site.run("a", failure="E: x")
        site.run("b")
        await site.clock.advance(SOON)
        reader.close()
        text = b"".join([part async for part in reader.stream()]).decode()
    assert text.count("event: invocation\n") == 2, "the events of one row are merged"
    assert text.count("event: log\n") == 4
    assert '"phase": "ended"' in text and '"error": "E: x"' in text
