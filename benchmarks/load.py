"""A load generator that runs as a process of its own: one thread, raw sockets, no parsing beyond what it must know.

It spends some 65 µs of processor time on a request, and tells how busy it was: below a whole core it is not the limit.
"""

import asyncio
import json
import re
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

CHUNK = 262_144
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
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
        self._request = request
        self.begin()

    def begin(self) -> None:
        self._left, self._got, self._end = memoryview(self._request), bytearray(), 0
        self.began = time.perf_counter()
        self.send()

    def send(self) -> None:
        while self._left:
            try:
                self._left = self._left[self.socket.send(self._left) :]
            except BlockingIOError:
                return

    @property
    def wants(self) -> int:
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._left else 0)

    def receive(self) -> bool:
        """Whether the answer is whole. Raises ConnectionError."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("closed by the server")
        self._got += data
        return self._is_whole()

    def _is_whole(self) -> bool:
        if not self._end and (head := self._got.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._got, 0, head)
            self._end = head + 4 + (int(length[1]) if length else 0)
        return 0 < self._end <= len(self._got)

    @property
    def succeeded(self) -> bool:
        return self._got.startswith(b"HTTP/1.1 200")


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
                    if _turn(selector, key.data, events):
                        times.append(time.perf_counter() - key.data.began)
                        failed += not key.data.succeeded
                        _again(selector, key.data)
                except OSError:
                    failed += 1
                    selector.unregister(key.fileobj)
    return Result.of(times, failed, time.perf_counter() - begun, time.process_time() - busy)


def _turn(selector: selectors.BaseSelector, connection: Connection, events: int) -> bool:
    """Whether this connection has its whole answer."""
    if events & selectors.EVENT_WRITE:
        connection.send()
        selector.modify(connection.socket, connection.wants, connection)
    return bool(events & selectors.EVENT_READ) and connection.receive()


def _again(selector: selectors.BaseSelector, connection: Connection) -> None:
    connection.begin()
    if connection.wants & selectors.EVENT_WRITE:
        selector.modify(connection.socket, connection.wants, connection)


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
