"""Records: what is kept of them, what readers get, and how they are shown."""

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from fnhost.host.logging.console import Console, JsonLines, shown
from fnhost.host.logging.events import HostMessage, InvocationEnded, Level, LinesLeftOut, UserLog, WorkerOutput
from fnhost.host.logging.levels import LevelFilter, invalid_levels
from fnhost.host.logging.log import Log, RecentRecords, Record
from fnhost.host.logging.writer import BackgroundWriter, Output
from fnhost.host.terminal.style import Style

AT = datetime(2024, 5, 1, 8, 0, 0, 123_999, UTC)
ENDED = InvocationEnded(function="Hello", invocation="id-1", outcome="Failed", duration_ms=5.4)


class File:
    """Takes bytes; refuses or delays none."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: memoryview, /) -> int:
        self.written += data
        return len(data)

    def fileno(self) -> int:
        return -1


class Refusing(File):
    """A disk that is full from the fourth byte on, until `has_room`."""

    def __init__(self) -> None:
        super().__init__()
        self.has_room = False
        self.refused = threading.Event()

    def write(self, data: memoryview, /) -> int:
        if not self.has_room and self.written:
            self.refused.set()
            raise OSError(28, "No space left on device")
        return super().write(data if self.has_room else data[:3])


class Unread(File):
    """A pipe that takes nothing until it `is_read`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.is_read = threading.Event(), threading.Event()

    def write(self, data: memoryview, /) -> int:
        self.asked.set()
        assert self.is_read.wait(10)
        return super().write(data)


def record(event: Any = ENDED, number: int = 1) -> Record:
    return Record(number, AT, event)


def test_the_line_of_a_record_has_its_time_in_milliseconds() -> None:
    console = Console(BackgroundWriter(Output("x", File())))
    assert console.line(record()) == (
        "[2024-05-01T08:00:00.123Z] Executed 'Functions.Hello' (Failed, Id=id-1, Duration=5ms)\n"
    )


def test_a_terminal_gets_colours_that_end_with_the_line() -> None:
    console = Console(BackgroundWriter(Output("x", File(), is_terminal=True)))
    printed = WorkerOutput(level=Level.INFORMATION, message="\x1b[31mred", stream="stdout", pid=1)
    assert console.line(record()).startswith("\x1b[31m[2024-05-01T08:00:00.123Z] Executed")
    assert console.line(record(printed)) == "[2024-05-01T08:00:00.123Z] \x1b[31mred\x1b[0m\n"


@pytest.mark.parametrize(
    ("event", "begins"),
    [
        (UserLog(level=Level.INFORMATION, message="theirs"), "[2024"),
        (HostMessage(level=Level.INFORMATION, category="Host", message="ours"), "\x1b[2m[2024"),
        (HostMessage(level=Level.WARNING, category="Host", message="ours"), "\x1b[33m[2024"),
    ],
)
def test_what_user_code_says_stands_out_on_a_terminal(event: Any, begins: str) -> None:
    coloured = Console(BackgroundWriter(Output("x", File())), style=Style(colours=True))
    plain = Console(BackgroundWriter(Output("x", File(), is_terminal=True)), style=Style())
    assert coloured.line(record(event)).startswith(begins)
    assert plain.line(record(event)).startswith("[2024")


def test_what_is_printed_beside_json_lines_is_one_as_well() -> None:
    file = File()
    with BackgroundWriter(Output("x", file)) as writer:
        JsonLines(writer).print("\n a word\nfor people\n")
        JsonLines(writer).print()
    (line,) = file.written.splitlines()
    assert json.loads(line).items() >= {"event": "hostMessage", "message": "a word\nfor people", "number": 0}.items()


def test_a_json_line_has_the_members_of_every_record_and_those_of_its_event() -> None:
    assert json.loads(JsonLines(BackgroundWriter(Output("x", File()))).line(record(number=7))) == {
        "time": "2024-05-01T08:00:00.123+00:00",
        "level": "Error",
        "category": "Function.Hello",
        "message": "Executed 'Functions.Hello' (Failed, Id=id-1, Duration=5ms)",
        "function": "Hello",
        "invocation": "id-1",
        "instance": "",
        "event": "invocationEnded",
        "number": 7,
        "outcome": "Failed",
        "duration_ms": 5.4,
    }


@pytest.mark.parametrize("begin", ["[2026-01-01T00:00:00.000Z] x", "  [2026-01-01T", "\x1b[0m[2026-01-01T"])
def test_a_second_line_that_begins_like_a_record_is_indented(begin: str) -> None:
    assert shown(f"first\n{begin}\n[1, 2]\nlast") == f"first\n    {begin}\n[1, 2]\nlast"


def test_recent_records_are_bounded_by_number_and_size() -> None:
    recent = RecentRecords(count=3, size=1_000_000)
    for number in range(1, 6):
        recent.add(record(number=number))
    assert [[each.number for each in recent.since(n)[0]] for n in (0, 3, 5, 9)] == [[3, 4, 5], [4, 5], [], []]
    assert [recent.since(n)[1] for n in (0, 1, 2, 5)] == [2, 1, 0, 0]
    recent.resize(1, 1_000_000)
    recent.add(record(number=6))
    assert [each.number for each in recent.since()[0]] == [6]


def test_a_long_text_takes_the_place_of_many_records() -> None:
    log = Log()
    log.recent.resize(10, 1_000_000)
    for _ in range(5):
        log.write(ENDED)
    log.write(UserLog(level=Level.INFORMATION, message="x" * 998_700))
    assert [each.number for each in log.recent.since()[0]] == [5, 6]


def test_a_log_numbers_its_records_and_keeps_them() -> None:
    seen: list[Record] = []
    log = Log(seen.append)
    log.write(ENDED)
    log.warning("Host.Startup", "careful")
    assert [(each.number, each.message) for each in seen] == [(1, ENDED.message), (2, "careful")]
    assert log.recent.since()[0] == seen


def test_a_sentence_may_be_written_once() -> None:
    log = Log()
    for message in ("a", "b", "a"):
        log.write_once(UserLog(level=Level.INFORMATION, message=message))
    assert [each.message for each in log.recent.since()[0]] == ["a", "b"]


def test_a_backlog_that_is_full_counts_what_is_left_out() -> None:
    file = File()
    writer = BackgroundWriter(Output("the console", file), backlog=10)
    for line in ("one\n", "a line that is longer\n", "two\n", "three\nfour\n"):
        writer.write(line)  # before the thread runs: nothing is taken
    with writer:
        assert writer.close(10)
    assert file.written.decode() == (
        "one\na line that is longer\n3 lines were left out: the console is not being read.\n"
    )


def test_what_is_being_written_counts_until_it_is_written() -> None:
    file = Unread()
    with BackgroundWriter(Output("the console", file), backlog=10) as writer:
        writer.write("a line that is longer\n")
        assert file.asked.wait(10)
        writer.write("two\n")
        writer.write("three\n")
        file.is_read.set()
        assert writer.close(10)
    assert file.written.decode() == "a line that is longer\n2 lines were left out: the console is not being read.\n"


def test_a_file_that_refuses_is_told_once_and_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    file = Refusing()
    writer = BackgroundWriter(Output("f.jsonl", file))
    with writer:
        for line in ("one\ntwo\n", "three\n"):
            file.refused.clear()
            writer.write(line)
            assert file.refused.wait(10)
        file.has_room = True
        writer.write("four\n")
    reason = "f.jsonl could not be written (No space left on device)"
    assert file.written.decode() == f"one\n3 lines were left out: {reason}.\nfour\n"
    assert capsys.readouterr().err == (
        "Cannot write to f.jsonl: No space left on device. Lines are left out until it can be written again.\n"
    )


def test_a_file_that_takes_nothing_does_not_hold_up_the_end() -> None:
    reader, pipe = os.pipe()
    with open(pipe, "wb", buffering=0) as file:
        writer = BackgroundWriter(Output("a pipe", file))
        with writer:
            writer.write("x" * 1_000_000 + "\n")
            assert not writer.close(0.1)
        while len(os.read(reader, 65536)) == 65536:  # until the thread has written all
            pass
        assert writer.close(10)
    os.close(reader)


@pytest.mark.parametrize(
    ("levels", "verbose", "category", "lowest"),
    [
        ({}, False, "Host.Startup", Level.WARNING),
        ({}, True, "Host.Startup", Level.INFORMATION),
        ({}, False, "Function.Hello.User", Level.INFORMATION),
        ({}, False, "Host.Function.Console", Level.INFORMATION),
        ({"default": "Debug"}, False, "Host.Startup", Level.DEBUG),
        ({"Default": "Error", "Function": "Trace"}, False, "Function.Hello", Level.TRACE),
        ({"Function": "Error", "function.hello": "debug"}, False, "Function.Hello.User", Level.DEBUG),
        ({"Function.Hello": "None"}, False, "Function.Hello.User", Level.NONE),
        ({"Function": "Louder"}, False, "Function.Hello", Level.INFORMATION),
    ],
)
def test_the_longest_prefix_of_a_category_counts(
    levels: Mapping[str, str], verbose: bool, category: str, lowest: Level
) -> None:
    assert LevelFilter(levels, verbose=verbose).lowest(category) is lowest


def test_names_that_are_no_levels_are_found() -> None:
    assert list(invalid_levels({"default": "Info", "Function": "Debgu", "Host": "2"})) == [("Function", "Debgu")]


def test_what_is_left_out_is_told_as_one_or_many() -> None:
    assert LinesLeftOut(count=1, reason="why").message == "1 line was left out: why."
    assert LinesLeftOut(count=2, reason="why").message == "2 lines were left out: why."
