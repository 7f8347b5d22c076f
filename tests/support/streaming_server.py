"""A program that serves functions over HTTP and streams: a custom handler, or the server of a played official worker.

What a request wants, its query says: `echo` sends each piece of the body back as it comes, `wait` sends one piece and
the next when somebody asks for `/api/Go`, `cut` ends the connection in the middle of its response, `die` the process.
"""

import json
import os
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PIECE = 65_536
gone_on, begun = threading.Semaphore(0), threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.taken = 0
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/api/Go":
            self.whole(b"gone on")
            return gone_on.release()
        getattr(self, query or "tell")()

    do_GET = do_PUT = do_HEAD = do_POST

    def whole(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Set-Cookie", "c=d")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        begun.set()

    def piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    taken = 0

    def next_piece(self) -> bytes:
        """What comes of the body now; nothing at its end."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            left = int(self.headers.get("Content-Length") or 0) - self.taken
            data = self.rfile.read1(min(PIECE, left)) if left else b""
        else:
            size = int(self.rfile.readline(), 16)
            data = self.rfile.read(size)
            self.rfile.readline()
        self.taken += len(data)
        return data

    # --- what may be wanted

    def tell(self) -> None:
        body = b""
        while piece := self.next_piece():
            body += piece
        told = [self.command, self.path, dict(self.headers), body.decode()]
        self.whole(json.dumps(told).encode(), 202)

    def echo(self) -> None:
        self.begin()
        while piece := self.next_piece():
            self.piece(piece)
        self.piece(b"")

    def wait(self) -> None:
        self.begin()
        self.piece(b"one")
        gone_on.acquire()
        self.piece(b"two")
        self.piece(b"")

    def forever(self) -> None:
        self.begin()
        try:
            while True:
                self.piece(b"x" * PIECE)
        except OSError:
            print("nobody reads any more", flush=True)
        self.close_connection = True

    def hold(self) -> None:
        """Read nothing until somebody goes on."""
        gone_on.acquire()
        while self.next_piece():
            pass
        self.whole(str(self.taken).encode())

    def silent(self) -> None:
        """Neither read nor answer; wait until the connection ends."""
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        poll.poll()
        print("nobody waits any more", flush=True)
        self.close_connection = True

    def long(self) -> None:
        """A header that is long, but no longer than others allow."""
        self.send_response(204)
        self.send_header("x-long", "x" * 30_000)
        self.end_headers()

    def cut(self) -> None:
        self.begin()
        self.piece(b"one")
        self.close_connection = True

    def early(self) -> None:
        self.close_connection = True

    def die(self) -> None:
        self.begin()
        self.piece(b"one")
        gone_on.acquire()
        os._exit(9)

    def log_message(self, *_: object) -> None: ...


def server(port: int = 0) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    server(int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])).serve_forever()
