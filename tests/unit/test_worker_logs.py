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
        records = [{"msg": name, "name": name, "levelno": logging.INFO} for name in ("noisy", "app")]
        kept = [handler.handle(logging.makeLogRecord(each)) for each in records]
        assert kept == [False, True]
        sent = theirs.recv(65536)
        assert b"app" in sent and b"noisy" not in sent
