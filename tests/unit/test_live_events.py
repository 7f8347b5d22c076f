"""Server-sent events of the dashboard: what is kept, merged, dropped and given again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fnhost.host.web.dashboard.live import GRACE, PACE, SILENCE, WAITING, LiveEvents, Reader
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio


def frames(text: bytes) -> list[dict[str, Any]]:
    """Each event as its fields, the data read."""
    blocks = [block for block in text.decode().split("\n\n") if "event: " in block]
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [{**block, "data": json.loads(block["data"])} for block in fields]


async def take(reader: Reader) -> list[dict[str, Any]]:
    """What waits for a reader, its greeting left out."""
    stream = reader.stream()
    await anext(stream)
    reader.close()
    return [frame async for text in stream for frame in frames(text)]


async def told(reader: Reader) -> list[tuple[str, Any]]:
    return [(frame["event"], frame["data"]) for frame in await take(reader)]


async def test_a_topic_that_nobody_reads_keeps_nothing() -> None:
    live = LiveEvents(clock=ManualClock())
    live.publish("app", "app", {"n": 1})
    assert not live.is_read("app")
    with live.reading(["invocations"]) as reader:
        live.publish("app", "app", {"n": 2})
        assert live.is_read("invocations") and not live.is_read("app")
        assert await told(reader) == []


async def test_events_of_one_key_are_merged_to_the_last() -> None:
    live = LiveEvents(clock=ManualClock())
    with live.reading(["instances"]) as reader:
        for number in range(5):
            live.publish("instances", "instance", {"id": "a", "n": number}, key="a")
            live.publish("instances", "instance", {"id": "b", "n": number}, key="b")
        live.publish("instances", "log", {"n": 1})
        live.publish("instances", "log", {"n": 2})
        found = await told(reader)
    assert found == [
        ("instance", {"id": "a", "n": 4}),
        ("instance", {"id": "b", "n": 4}),
        ("log", {"n": 1}),
        ("log", {"n": 2}),
    ]


async def test_a_slow_page_is_told_how_much_it_lost() -> None:
    live = LiveEvents(clock=ManualClock(), kept=3 * WAITING)
    with live.reading(["t"]) as reader:
        for number in range(WAITING + 7):
            live.publish("t", "log", {"n": number})
        found = await take(reader)
    assert (found[0]["event"], found[0]["data"]) == ("lag", {"dropped": 7})
    assert "id" not in found[0]
    assert [frame["data"]["n"] for frame in found[1:]] == list(range(7, WAITING + 7))


async def test_a_page_that_comes_back_gets_what_it_missed() -> None:
    clock = ManualClock()
    live = LiveEvents(clock=clock)
    with live.reading(["t"]) as reader:
        live.publish("t", "log", {"n": 1})
        live.publish("t", "log", {"n": 2})
        last = (await take(reader))[0]["id"]
    live.publish("t", "log", {"n": 3})
    live.publish("other", "log", {"n": 4})
    with live.reading(["t"], last) as reader:
        live.publish("t", "log", {"n": 5})
        assert [data["n"] for _, data in await told(reader)] == [2, 3, 5]


@pytest.mark.parametrize("last", ["", "-", "x-1", "{start}-99", "{start}-²", "{start}-" + "9" * 5000, "{start}--1"])
async def test_an_id_that_is_not_known_begins_anew(last: str) -> None:
    live = LiveEvents(clock=ManualClock())
    last = last.replace("{start}", live.start)
    with live.reading(["t"], last) as reader:
        greeting = frames(await anext(reader.stream()))
    assert [frame["event"] for frame in greeting] == (["hello", "reset"] if last else ["hello"])
    assert greeting[0]["data"]["start"] == live.start


async def test_what_is_no_longer_kept_is_a_reset() -> None:
    live = LiveEvents(clock=ManualClock(), kept=3)
    with live.reading(["t"]):
        first = f"{live.start}-0"
        for number in range(3):
            live.publish("t", "log", {"n": number})
        assert not is_reset(live, ["t"], first)
        live.publish("t", "log", {"n": 4})
        assert is_reset(live, ["t"], first)
        assert not is_reset(live, ["t"], f"{live.start}-1")


async def test_a_topic_that_was_not_read_meanwhile_is_a_reset() -> None:
    clock = ManualClock()
    live = LiveEvents(clock=clock)
    last = f"{live.start}-0"
    with live.reading(["t"]):
        assert is_reset(live, ["t", "never read"], last)
        live.publish("t", "log", {"n": 1})
        assert not is_reset(live, ["t"], last)
        assert is_reset(live, ["t", "new"], last)
    await clock.advance(GRACE - 1)
    assert not is_reset(live, ["t"], last)
    await clock.advance(GRACE + 1)
    assert not live.is_read("t")
    assert is_reset(live, ["t"], last)


def is_reset(live: LiveEvents, topics: list[str], last: str) -> bool:
    with live.reading(topics, last) as reader:
        return not reader.is_resumed


async def test_batches_have_a_pace_and_silence_is_broken() -> None:
    clock = ManualClock()
    live = LiveEvents(clock=clock)
    with live.reading(["t"]) as reader:
        came: asyncio.Queue[bytes] = asyncio.Queue()
        pumping = asyncio.create_task(pump(reader.stream(), came))
        await clock.advance(0)
        assert b"event: hello" in came.get_nowait()
        live.publish("t", "log", {"n": 1})
        await clock.advance(0)
        assert b'{"n": 1}' in came.get_nowait()
        live.publish("t", "log", {"n": 2}, key="k")
        live.publish("t", "log", {"n": 3}, key="k")
        await clock.advance(PACE / 2)
        assert came.empty()
        await clock.advance(PACE)
        assert [frame["data"] for frame in frames(came.get_nowait())] == [{"n": 3}]
        await clock.advance(PACE + SILENCE + 1)
        assert came.get_nowait() == b": alive\n\n"
        live.close()
        await clock.advance(1)
        assert pumping.done()


async def pump(stream: AsyncIterator[bytes], into: "asyncio.Queue[bytes]") -> None:
    async for text in stream:
        into.put_nowait(text)


async def test_text_never_breaks_a_frame() -> None:
    live = LiveEvents(clock=ManualClock())
    text = "a\nb\r\n\ndata: c\u2028\ud800"
    with live.reading(["t"]) as reader:
        live.publish("t", "log", {"text": text})
        assert await told(reader) == [("log", {"text": text})]
