"""What user code prints: whose it is, in which order, and how streams behave that print it."""

import asyncio
from pathlib import Path

import pytest

from fnhost.host.logging.events import WorkerOutput
from tests.support.workers import Bench, bench, get, write_app

pytestmark = pytest.mark.anyio

THREADS = """
import threading


def main(req):
    barrier = BARRIER
    for number in range(20):
        barrier.wait()
        print(req.params["id"], end=" ")
        print(number)
    return "done"


BARRIER = threading.Barrier(3)
"""
ASYNC = """
import asyncio


async def main(req):
    print(req.method, end=" ")
    await asyncio.sleep(0)
    print("after")
    return "done"
"""
ORDER = """
import os
import subprocess
import sys


def main(req):
    print("first")
    os.write(1, b"second\\n")
    subprocess.run(["echo", "third"])
    print("fourth", end="", flush=True)
    os.write(1, b" and raw\\n")
    print("fifth\\nsixth")
    print("warned", file=sys.stderr)
    print("no end", end="")
    return "done"
"""
STREAM = """
import contextlib
import io
import sys


def main(req):
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        print("caught")
    with contextlib.suppress(TypeError):
        sys.stdout.write(b"bytes")
        return "bytes were taken"
    out = sys.stdout
    return repr((
        caught.getvalue(), out.isatty(), out.encoding, out.errors, out.line_buffering, out.fileno(), out.mode, out.name,
        out.write("six 6\\n"), out.buffer.write(b"raw\\n"), out is sys.__stdout__, out.closed,
    ))
"""
DIES = """
import os


def main(req):
    print("last words")
    print("without an end", end="", flush=True)
    os._exit(3)
"""


def lines(running: Bench, invocation: str) -> list[str]:
    events = [record.event for record in running.heard.records]
    return [event.message for event in events if isinstance(event, WorkerOutput) and event.invocation == invocation]


def outputs(running: Bench) -> list[tuple[str, str]]:
    events = [record.event for record in running.heard.records]
    return [(event.message, event.invocation) for event in events if isinstance(event, WorkerOutput)]


async def test_prints_belong_to_their_invocation_and_keep_their_order(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Order=ORDER)) as running:
        await running.call("Order", get(), invocation="id-1")
        await running.heard.message("no end")
        await running.heard.message("warned")
        stdout = [
            (event.message, event.invocation, event.function)
            for record in running.heard.records
            if isinstance(event := record.event, WorkerOutput) and event.stream == "stdout"
        ]
        warned = next(record for record in running.heard.records if record.message == "warned")
    assert stdout == [
        ("first", "id-1", "Order"),
        ("second", "", ""),
        ("third", "", ""),
        ("fourth and raw", "id-1", "Order"),
        ("fifth", "id-1", "Order"),
        ("sixth", "id-1", "Order"),
        ("no end", "id-1", "Order"),
    ]
    assert (warned.function, warned.invocation) == ("Order", "id-1")


async def test_lines_of_threads_are_whole(tmp_path: Path) -> None:
    source = THREADS.replace('req.params["id"]', "str(threading.get_ident())")
    async with bench(write_app(tmp_path, Threads=source)) as running:
        await asyncio.gather(*(running.call("Threads", get(), invocation=f"t-{n}") for n in range(3)))
        for n in range(3):
            await running.heard.until(lambda r, n=n: r.invocation == f"t-{n}" and r.message.endswith(" 19"))  # type: ignore[misc]
            said = lines(running, f"t-{n}")
            assert [line.split(" ")[1] for line in said] == [str(number) for number in range(20)]
            assert len({line.split(" ")[0] for line in said}) == 1


async def test_lines_of_coroutines_are_whole(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Async=ASYNC)) as running:
        await asyncio.gather(*(running.call("Async", get(), invocation=f"a-{n}") for n in range(5)))
        for n in range(5):
            await running.heard.until(lambda r, n=n: r.invocation == f"a-{n}" and r.message == "GET after")  # type: ignore[misc]
            assert lines(running, f"a-{n}") == ["GET after"]


async def test_the_stream_behaves_as_pythons_own(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Stream=STREAM)) as running:
        told = (await running.call("Stream", get())).returned
    assert told == repr(("caught\n", False, "utf-8", "backslashreplace", True, 1, "w", "<stdout>", 6, 4, True, False))


async def test_what_was_printed_before_an_end_is_not_lost(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Dies=DIES)) as running:
        with pytest.raises(Exception, match="ended"):
            await running.call("Dies", get(), invocation="id-9")
        await running.heard.message("without an end")
        assert outputs(running) == [("last words", "id-9"), ("without an end", "id-9")]
