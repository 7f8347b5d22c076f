"""The socket to the host, and its frames: `"FNH1" | u32 n | u32 json length | n bytes: JSON, then blobs`, big endian.

A value that lies in the blobs is `{"$b": offset, "n": length}` in the JSON (platform/worker-protocol.md 8).
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import socket
import struct
import threading
from typing import Any, Iterator

MARK = 0x464E4831
"""Every frame begins with it: what user code wrote on the socket is no frame."""
HEAD = struct.Struct(">III")
MOST_FRAME_BYTES = 256 * 1024 * 1024
MOST_WAITING_BYTES = 64 * 1024 * 1024
"""With more in the outbox, `send` waits until the host has read: logs cannot fill the memory."""
MOST_JOINED_BYTES = 1 << 20
TEXT_IN_JSON = 4096
"""Longer texts, in characters, are sent as blobs: they need no escaping."""

to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
read_json = json.JSONDecoder().raw_decode

Message = dict[str, Any]


class Blobs:
    """Collects the bytes that follow the JSON of one frame."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def put(self, data: bytes) -> dict[str, int]:
        reference = {"$b": self._size, "n": len(data)}
        self.parts.append(data)
        self._size += len(data)
        return reference

    def put_text(self, text: str) -> str | dict[str, int]:
        return text if len(text) <= TEXT_IN_JSON else self.put(text.encode("utf-8", "surrogatepass"))


def get_bytes(reference: dict[str, int], blobs: bytes) -> bytes:
    start = reference["$b"]
    return blobs[start : start + reference["n"]]


def get_text(value: str | dict[str, int], blobs: bytes) -> str:
    return value if isinstance(value, str) else get_bytes(value, blobs).decode("utf-8", "surrogatepass")


class Wire:
    """Many threads send, one receives. The process ends when the host is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._outbox: collections.deque[bytes] = collections.deque()
        self._waiting_bytes = 0
        self._sending = threading.Lock()

    def send(self, message: Message, blobs: Blobs | None = None) -> None:
        """Raises FrameTooLong, and what `json` and `bytes` raise for a message that cannot be written."""
        frame = pack(message, blobs.parts if blobs else [])
        self._waiting_bytes += len(frame)
        self._outbox.append(frame)
        # The holder of the lock sends for all: under load the frames of many threads leave in one call.
        while self._outbox and self._sending.acquire(blocking=self._waiting_bytes > MOST_WAITING_BYTES):
            try:
                self._send_all()
            finally:
                self._sending.release()

    def _send_all(self) -> None:
        frames = []
        while self._outbox:
            frames.append(self._outbox.popleft())
        self._waiting_bytes = 0
        try:
            for data in (b"".join(frames),) if len(frames) < 2 or _are_short(frames) else frames:
                self._socket.sendall(data)
        except OSError:
            os._exit(1)

    def receive(self) -> Iterator[tuple[Message, bytes]]:
        """Every frame, until the host closes the socket."""
        reader = self._socket.makefile("rb", buffering=1 << 16)
        try:
            while len(head := reader.read(HEAD.size)) == HEAD.size:
                mark, size, length = HEAD.unpack(head)
                if mark != MARK:
                    raise ValueError(f"The socket to the host was used by user code: {head!r} is not a frame.")
                message, _ = read_json(reader.read(length).decode())
                yield message, reader.read(size - length)
        except ConnectionError:
            return

    def close(self) -> None:
        """At once, though a reader of the socket is still there."""
        descriptor = self._socket.detach()
        if descriptor >= 0:
            os.close(descriptor)


class FrameTooLong(Exception):
    """A message is longer than a frame may be. The text gives both sizes."""


def pack(message: Message, parts: list[bytes]) -> bytes:
    text = to_json(message).encode()
    size = len(text) + sum(map(len, parts))
    if size > MOST_FRAME_BYTES:
        raise FrameTooLong(f"It takes {size:,} bytes; a message to the host may have {MOST_FRAME_BYTES:,}.")
    return b"".join((HEAD.pack(MARK, size, len(text)), text, *parts))


def _are_short(frames: list[bytes]) -> bool:
    """Whether they may be copied into one without filling the memory a second time."""
    return sum(map(len, frames)) <= MOST_JOINED_BYTES


def close_inherited_descriptors(keep: int) -> None:
    """Close what was inherited beside the standard streams and the socket: descriptors of the host are not the app's.

    Python opens descriptors as not inheritable: one that is inheritable was there before this process.
    """
    for name in os.listdir("/dev/fd"):
        descriptor = int(name)
        with contextlib.suppress(OSError):
            if descriptor > 2 and descriptor != keep and os.get_inheritable(descriptor):
                os.close(descriptor)


def connect() -> Wire:
    """The inherited socket or, where sockets cannot be inherited, a loopback one that opens with the token."""
    if descriptor := os.environ.pop("FNHOST_WORKER_SOCKET", ""):
        close_inherited_descriptors(int(descriptor))
        connection = socket.socket(fileno=int(descriptor))
        connection.set_inheritable(False)
        return Wire(connection)
    connection = socket.create_connection(("127.0.0.1", int(os.environ.pop("FNHOST_WORKER_PORT"))))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(bytes.fromhex(os.environ.pop("FNHOST_WORKER_TOKEN")))
    return Wire(connection)
