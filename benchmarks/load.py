"""A load generator that runs as a process of its own: one thread, raw sockets, no parsing beyond what it must know.

It spends some 40 µs of processor time on a request, and tells how busy it was: below a whole core it is not the limit.
"""

import asyncio
import json
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self

from benchmarks.processes import HOST
from benchmarks.table import percentile

CHUNK = 8192
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
ANSWER_LIMIT = 10.0


class LoadFailed(Exception):
    """The generator itself could not do its work."""


@dataclass(frozen=True, slots=True)
class Result:
    """`rate` is in answers a second, times are in milliseconds, `busy` is the generator's share of one core."""

    answers: int
    failed: int
    rate: float
    median: float
    p95: float
    busy: float

    @classmethod
    def of(cls, times: Sequence[float], failed: int, seconds: float, busy: float) -> Self:
        half, most = (median(times), percentile(times, 0.95)) if times else (0.0, 0.0)
        return cls(len(times), failed, len(times) / seconds, half * 1000, most * 1000, busy / seconds)


class Connection:
    """One request at a time, again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._request = memoryview(request)
        self.begin(time.perf_counter())

    def begin(self, now: float) -> None:
        self.began, self.answer, self.left = now, b"", self._request
        self.send()

    def send(self) -> None:
        while self.left:
            try:
                self.left = self.left[self.socket.send(self.left) :]
            except BlockingIOError:
                return

    @property
    def wants(self) -> int:
        return BOTH if self.left else selectors.EVENT_READ

    def receive(self) -> bool:
        """Whether the answer is whole. Raises ConnectionError."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("closed by the server")
        self.answer += data
        return is_whole(self.answer)


def is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return bool(blank) and len(body) >= int(length or 0)


def drive(port: int, request: bytes, connections: int, seconds: float) -> Result:
    """Keep so many requests under way for so long. A connection that fails is not opened again."""
    times: list[float] = []
    failed, busy, begun = 0, time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = Connection(port, request)
            selector.register(connection.socket, connection.wants, connection)
        while selector.get_map() and time.perf_counter() - begun < seconds:
            for key, events in selector.select(ANSWER_LIMIT):
                try:
                    failed += _turn(selector, key.data, events, times)
                except OSError:
                    failed += 1
                    selector.unregister(key.fileobj)
    return Result.of(times, failed, time.perf_counter() - begun, time.process_time() - busy)


def _turn(selector: selectors.BaseSelector, connection: Connection, events: int, times: list[float]) -> bool:
    """Whether an answer came that is a failure."""
    wanted, failed = connection.wants, False
    if events & selectors.EVENT_WRITE:
        connection.send()
    if events & selectors.EVENT_READ and connection.receive():
        now, failed = time.perf_counter(), not connection.answer.startswith(b"HTTP/1.1 200")
        times.append(now - connection.began)
        connection.begin(now)
    if connection.wants != wanted:
        selector.modify(connection.socket, connection.wants, connection)
    return failed


def post(port: int, path: str, size: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/octet-stream\r\n"
    return f"{head}Content-Length: {size}\r\n\r\n".encode() + b"x" * size


async def load(port: int, path: str, size: int, connections: int, seconds: float) -> Result:
    """`drive` in a process of its own, with bodies of `size` bytes. Raises LoadFailed."""
    arguments = (sys.executable, "-m", "benchmarks.load", port, path, size, connections, seconds)
    child = await asyncio.create_subprocess_exec(
        *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, error = await child.communicate()
    if child.returncode:
        raise LoadFailed(error.decode(errors="replace")[-300:])
    return Result(**json.loads(output))


if __name__ == "__main__":
    _port, _path, _size, _connections, _seconds = sys.argv[1:]
    _result = drive(int(_port), post(int(_port), _path, int(_size)), int(_connections), float(_seconds))
    print(json.dumps(asdict(_result)))
