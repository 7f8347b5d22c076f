"""The notes of running hosts."""

import json
import os
import socket
from pathlib import Path

import pytest

from fnhost.host.presence import LISTENING, listening, listening_hosts
from fnhost.host.web.listen.sockets import reached_at


def test_a_host_says_where_it_listens_while_it_does(tmp_path: Path) -> None:
    with listening(tmp_path, "http://127.0.0.1:7072"):
        (host,) = listening_hosts(tmp_path)
        assert (host.url, host.process.pid) == ("http://127.0.0.1:7072", os.getpid())
    assert listening_hosts(tmp_path) == []


def test_what_a_killed_host_left_counts_for_nothing_and_is_removed(tmp_path: Path) -> None:
    with listening(tmp_path, "http://127.0.0.1:7072"):
        (note,) = (tmp_path / LISTENING).glob("*.json")
        left = json.loads(note.read_text())
        left["process"]["created"] -= 1000
        (tmp_path / LISTENING / "1.json").write_text(json.dumps(left))
        (tmp_path / LISTENING / "2.json").write_text("{")
        assert len(listening_hosts(tmp_path)) == 1
    assert list((tmp_path / LISTENING).glob("*.json")) == []


def test_a_folder_that_cannot_be_written_keeps_no_host_from_running(tmp_path: Path) -> None:
    (tmp_path / ".fnhost").write_text("a file")
    with listening(tmp_path, "http://127.0.0.1:7072"):
        assert listening_hosts(tmp_path) == []


@pytest.mark.parametrize(("listens", "reached"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")])
def test_every_address_is_reached_from_this_machine(listens: str, reached: str) -> None:
    with socket.create_server((listens, 0)) as taken:
        assert reached_at([taken]) == f"{reached}:{taken.getsockname()[1]}"
