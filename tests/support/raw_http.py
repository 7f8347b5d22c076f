"""HTTP as bytes: what a client of ours sends is sent as it is, and what comes back must be whole responses."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE = 30.0
STATUS = re.compile(rb"HTTP/1\.1 ([2-9][0-9]{2}) [ -~]*")
FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """A response; `headers` by lower-case name, `names` as they are spelled."""

    status: int
    headers: Mapping[str, str]
    names: tuple[str, ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def answers(data: bytes, head: bool = False) -> list[Answer]:
    """Every response in `data`, which holds nothing else. `head` tells responses to HEAD."""
    found = []
    while data:
        answer, data = one_answer(data.removeprefix(INTERIM), head)
        found.append(answer)
    return found


def one_answer(data: bytes, head: bool) -> tuple[Answer, bytes]:
    """The first response and what follows it."""
    lines, end, rest = data.partition(b"\r\n\r\n")
    assert end, f"A torn head: {data[:200]!r}"
    status, *fields = lines.split(b"\r\n")
    line = STATUS.fullmatch(status)
    assert line, f"No status line: {status!r}"
    pairs = [found.groups() for found in map(FIELD.fullmatch, fields) if found]
    assert len(pairs) == len(fields), f"No header: {fields!r}"
    names = tuple(name.decode() for name, _ in pairs)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in pairs}
    assert len(headers) == len(names) or "set-cookie" in headers, f"A repeated header: {names}"
    body, rest = body_of(int(line[1]), headers, rest, head)
    return Answer(int(line[1]), headers, names, body), rest


def body_of(status: int, headers: Mapping[str, str], rest: bytes, head: bool) -> tuple[bytes, bytes]:
    if head or status in (204, 304):
        return b"", rest
    if "transfer-encoding" in headers:
        return chunks_of(rest)
    if "content-length" not in headers:
        assert headers["connection"] == "close"
        return rest, b""
    length = int(headers["content-length"])
    assert len(rest) >= length, f"A torn body: {len(rest)} of {length} bytes"
    return rest[:length], rest[length:]


def chunks_of(rest: bytes) -> tuple[bytes, bytes]:
    pieces = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n", "A torn chunk"
        if not length:
            return b"".join(pieces), rest[2:]
        pieces.append(rest[:length])
        rest = rest[length + 2 :]


@contextmanager
def connected(port: int, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    with socket.socket() as client:
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        yield client


def read_all(client: socket.socket) -> bytes:
    """All bytes until the server ends the connection; a reset counts as an end."""
    pieces = []
    try:
        while piece := client.recv(1 << 20):
            pieces.append(piece)
    except ConnectionError:
        pass
    return b"".join(pieces)


def send_all(client: socket.socket, data: bytes) -> None:
    """As much as the server takes before it ends the connection."""
    try:
        client.sendall(data)
    except ConnectionError:
        return


def ask(port: int, *packets: bytes, half_close: bool = True) -> list[Answer]:
    """Send, say that nothing more comes, and read every response."""
    with connected(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for packet in packets:
            send_all(client, packet)
        if half_close:
            try:
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        return answers(read_all(client), head=packets[0].startswith(b"HEAD "))


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    """A request to `localhost`; its body has a Content-Length."""
    length = (f"Content-Length: {len(body)}",) if body else ()
    head = "\r\n".join((f"{line} HTTP/1.1", "Host: localhost", *fields, *length, "", ""))
    return head.encode() + body
