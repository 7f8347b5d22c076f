"""Heads of requests: what is read from them, what is refused, and that the work is in proportion to their size."""

from collections.abc import Callable

import pytest

from fnhost.host.web.listen.head import find_end, parse_head
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.refused import Refused
from fnhost.host.web.listen.target import parse_target
from tests.support.effort import is_linear

LIMITS = Limits()


def head(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def test_a_head_is_read() -> None:
    read = parse_head(head("POST /a?b HTTP/1.1", "Host: x:1", "X-A:  b c\t", "Content-Length: 3"), LIMITS)
    assert (read.method, read.version, read.length, read.keep_alive) == ("POST", "1.1", 3, True)
    assert (read.target.path, read.target.query) == ("/a", b"b")
    assert tuple(read.headers) == ((b"host", b"x:1"), (b"x-a", b"b c"), (b"content-length", b"3"))


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        (("GET / HTTP/1.1", "Host: x"), True),
        (("GET / HTTP/1.1", "Host: x", "Connection: Keep-Alive, Close"), False),
        (("GET / HTTP/1.1", "Host: x", "Connection: upgrade", "Connection: close"), False),
        (("GET / HTTP/1.0",), False),
        (("GET / HTTP/1.0", "Connection: Keep-Alive"), True),
    ],
)
def test_a_connection_is_kept_as_the_version_says(lines: tuple[str, ...], keeps: bool) -> None:
    assert parse_head(head(*lines), LIMITS).keep_alive is keeps


@pytest.mark.parametrize("method", ["GET", "get", "M-SEARCH", "!#$%&'*+-.^_`|~9", "PROPFIND"])
def test_any_token_is_a_method(method: str) -> None:
    assert parse_head(head(f"{method} / HTTP/1.1", "Host: x"), LIMITS).method == method


REFUSED = [
    (("GET /", "Host: x"), 400),
    (("GET  / HTTP/1.1", "Host: x"), 400),
    (("GET / x HTTP/1.1", "Host: x"), 400),
    ((" / HTTP/1.1", "Host: x"), 400),
    (("G(T / HTTP/1.1", "Host: x"), 400),
    (("GET /é HTTP/1.1", "Host: x"), 400),
    (("GET / http/1.1", "Host: x"), 400),
    (("GET / HTTP/2.0", "Host: x"), 505),
    (("GET / HTTP/1.2", "Host: x"), 505),
    (("GET / HTTP/1.11", "Host: x"), 505),
    (("GET / HTTP/1.1",), 400),
    (("GET / HTTP/1.1", "Host: x", "Host: x"), 400),
    (("GET / HTTP/1.1", "Host: x y"), 400),
    (("GET / HTTP/1.1", "Host: x/y"), 400),
    (("GET / HTTP/1.1", "Host: u@x"), 400),
    (("GET / HTTP/1.1", "Host: x:port"), 400),
    (("GET / HTTP/1.1", "Host: [::1"), 400),
    (("GET http://a/ HTTP/1.1", "Host: b"), 400),
    (("GET http://a/ HTTP/1.1", "Host:"), 400),
    (("GET ftp://a/ HTTP/1.1", "Host: a"), 400),
    (("GET a HTTP/1.1", "Host: a"), 405),
    (("GET * HTTP/1.1", "Host: x"), 405),
    (("CONNECT a:1 HTTP/1.1", "Host: b:1"), 400),
    (("GET /%00 HTTP/1.1", "Host: x"), 400),
    (("GET / HTTP/1.1", "Host: x", "no colon"), 400),
    (("GET / HTTP/1.1", "Host: x", "a : b"), 400),
    (("GET / HTTP/1.1", "Host: x", ": b"), 400),
    (("GET / HTTP/1.1", "Host: x", "a: b", " folded"), 400),
    (("GET / HTTP/1.1", "Host: x", "a: b\0"), 400),
    (("GET / HTTP/1.1", "Host: x", "a: b\rc"), 400),
    (("GET / HTTP/1.1", "Host: x", "a: b\nc: d"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 1"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: 1, 1"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: -1"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: +1"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: 0x1"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: \u0661"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length:"), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: " + "9" * 19), 400),
    (("GET / HTTP/1.1", "Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
    (("GET / HTTP/1.1", "Host: x", "Transfer-Encoding: gzip"), 400),
    (("GET / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, chunked"), 400),
    (("GET / HTTP/1.1", "Host: x", "Transfer-Encoding: xchunked"), 400),
    (("POST / HTTP/1.0",), 400),
    (("GET / HTTP/1.1", "Host: x", *("a: b",) * 100), 431),
]


@pytest.mark.parametrize(("lines", "status"), REFUSED)
def test_what_is_no_request_is_refused(lines: tuple[str, ...], status: int) -> None:
    with pytest.raises(Refused) as refused:
        parse_head(head(*lines), LIMITS)
    assert refused.value.status == status


def test_headers_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(Refused, match="UTF-8"):
        parse_head(b"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\r\n", LIMITS)
    assert parse_head(head("GET / HTTP/1.1", "Host: x", "A: é€"), LIMITS).headers[1] == (b"a", "é€".encode())


@pytest.mark.parametrize(
    ("raw", "raw_path", "path"),
    [
        ("/", "/", "/"),
        ("/a/./b", "/a/b", "/a/b"),
        ("/a/../b", "/b", "/b"),
        ("/../../b", "/b", "/b"),
        ("/a/%2e%2E/b", "/b", "/b"),
        ("/a/.%2e", "/", "/"),
        ("/a/b/..", "/a/", "/a/"),
        ("/a/b/.", "/a/b/", "/a/b/"),
        ("/a/...", "/a/...", "/a/..."),
        ("/.a/..b", "/.a/..b", "/.a/..b"),
        ("/%61dmin", "/admin", "/admin"),
        ("/a%2Fb%2f..", "/a%2Fb%2f..", "/a%2Fb%2f.."),
        ("/a%252e", "/a%252e", "/a%2e"),
        ("/%C3%A9%FF", "/%C3%A9%FF", "/é%FF"),
        ("//a//b", "//a//b", "//a//b"),
        ("http://x/a/../b", "/b", "/b"),
        ("HTTP://x", "/", "/"),
    ],
)
def test_a_path_is_normalised_once(raw: str, raw_path: str, path: str) -> None:
    target = parse_target("GET", raw.encode())
    assert (target.raw_path.decode(), target.path, target.query) == (raw_path, path, b"")


@pytest.mark.parametrize(
    ("target", "host", "fits"),
    [
        ("http://a/", "a", True),
        ("http://A:80/", "a", True),
        ("http://a/", "a:80", True),
        ("https://a/", "a:80", False),
        ("https://a:443/x?y", "a", True),
        ("http://a:81/", "a", False),
        ("http://[::1]:7071/", "[::1]:7071", True),
    ],
)
def test_the_host_of_an_absolute_target_is_that_of_the_header(target: str, host: str, fits: bool) -> None:
    lines = head(f"GET {target} HTTP/1.1", f"Host: {host}")
    if fits:
        parse_head(lines, LIMITS)
    else:
        with pytest.raises(Refused):
            parse_head(lines, LIMITS)


def test_a_head_is_no_longer_than_the_limits() -> None:
    line = b"GET /" + b"a" * (LIMITS.request_line - 16) + b" HTTP/1.1\r\n"
    fields = b"Host: x\r\nA: " + b"a" * (LIMITS.headers - 20)
    assert find_end(line + fields + b"\r\n\r\n", 0, LIMITS) > 0
    for long, status in [(b"a" * 8192, 414), (b"a" * 8180 + line, 414), (line + fields + fields, 431)]:
        with pytest.raises(Refused) as refused:
            find_end(long, 0, LIMITS)
        assert refused.value.status == status


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/1.1\r\nHost: x\n"])
def test_what_cannot_become_a_head_is_refused_before_it_is_whole(data: bytes) -> None:
    with pytest.raises(Refused):
        find_end(data, 0, LIMITS)


def test_the_end_of_a_head_is_found_byte_by_byte() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    ends = [find_end(whole[: size + 1], size, LIMITS) for size in range(len(whole))]
    assert ends == [-1] * (len(whole) - 1) + [len(whole) - 4]


HARD: list[Callable[[int], bytes]] = [
    lambda size: b"GET / HTTP/1.1\r\nHost: x\r\nA:" + b" \t" * size + b"b\0\r\n",
    lambda size: b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a" * size + b"\r\n",
    lambda size: b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * size + b"\0\r\n",
    lambda size: b"GET /" + b"../a/" * size + b"%00 HTTP/1.1\r\nHost: x\r\n",
    lambda size: b"GET /" + b"%ff%c3" * size + b" HTTP/1.1\r\n",
    lambda size: b"GET http://" + b"a:" * size + b"/ HTTP/1.1\r\nHost: x\r\n",
    lambda size: b"GET / HTTP/1.1\r\nHost: " + b"a:" * size + b"\r\n",
]


@pytest.mark.parametrize("text", HARD)
def test_four_times_the_head_takes_at_most_nine_times_as_long(text: Callable[[int], bytes]) -> None:

    def parse(data: bytes) -> None:
        with pytest.raises(Refused):
            parse_head(data, LIMITS)

    small, large = text(20_000), text(80_000)
    assert is_linear(lambda: parse(small), lambda: parse(large))
