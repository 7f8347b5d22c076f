"""Records of user code on their way to the host."""

import logging
import socket
import threading

from tests.support.worker_program import worker_module

logs, wire = worker_module("logs"), worker_module("wire")
WAIT = 30.0


def test_a_thread_logs_while_another_one_holds_the_lock_of_the_handler() -> None:
    """What the garbage collector frees in a thread that logs may wait for a thread that is about to log."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handler = logs.HostHandler(wire.Wire(ours))
        record = logging.makeLogRecord({"msg": "hello", "levelno": logging.INFO, "name": "app"})
        with handler.lock:
            thread = threading.Thread(target=handler.handle, args=(record,), daemon=True)
            thread.start()
            thread.join(WAIT)
            assert not thread.is_alive()
        assert b"hello" in theirs.recv(65536)


def test_a_filter_of_the_handler_keeps_records_back() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handler = logs.HostHandler(wire.Wire(ours))
        handler.addFilter(lambda record: record.name != "noisy")
        kept = [handler.handle(logging.makeLogRecord({"msg": name, "name": name})) for name in ("noisy", "app")]
        assert kept == [False, True]
        theirs.setblocking(False)
        assert b"noisy" not in theirs.recv(65536)
