"""Ports for programs that are about to be started."""

import socket
import sys
from pathlib import Path

import pytest

from fnhost.host.system import ports
from fnhost.host.system.ports import LISTENABLE, free_port

GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_port_is_one_that_no_connection_is_given() -> None:
    assert free_port() in LISTENABLE
    if sys.platform == "linux":
        assert LISTENABLE.stop <= int(GIVEN_OUT.read_text().split()[0])


def test_a_port_that_somebody_has_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as holder:
        taken = int(holder.getsockname()[1])
        free = free_port()
        monkeypatch.setattr(ports, "TRIES", 2)
        monkeypatch.setattr(ports, "LISTENABLE", (taken, free))
        assert free_port() == free


def test_none_that_is_free_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as holder:
        monkeypatch.setattr(ports, "TRIES", 1)
        monkeypatch.setattr(ports, "LISTENABLE", range(int(holder.getsockname()[1]), holder.getsockname()[1] + 1))
        with pytest.raises(OSError, match="none is free"):
            free_port()
