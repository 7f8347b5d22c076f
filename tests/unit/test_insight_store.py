"""The side file of past custom statuses: what is kept, for how long, and what it costs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fnhost.host.durable.insight import store as module
from fnhost.host.durable.insight.statuses import PastStatus, merged
from fnhost.host.durable.insight.store import InsightStore, StatusValue
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.ids import next_execution
from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.model.states import Instance

BEGIN: Instant = "2026-01-01T00:00:00.0000000Z"


def at(seconds: float) -> Instant:
    return later(BEGIN, seconds)


def row(status: str | None, seconds: float = 0, execution: str = "run", **other: object) -> Instance:
    made = Instance(
        id="one",
        execution_id=execution,
        name="Flow",
        status=RuntimeStatus.Running,
        created=BEGIN,
        updated=at(seconds),
        custom_status=status,
    )
    return replace(made, **other)  # type: ignore[arg-type]


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InsightStore]:
    made = InsightStore(tmp_path / "hub" / "insight.db" if request.param == "file" else None)
    yield made
    made.close()


def values(store: InsightStore, execution: str = "run") -> list[StatusValue]:
    return store.values("one", execution, 100)


def test_each_new_value_is_kept_once(store: InsightStore) -> None:
    told = [store.note(row(text, seconds)) for seconds, text in enumerate([None, "1", "1", "2", None, None])]
    assert told == [None, "1", None, "2", "null", None]
    assert values(store) == [StatusValue(at(1), "1"), StatusValue(at(3), "2"), StatusValue(at(4), None)]


def test_values_are_paged_from_the_newest(store: InsightStore) -> None:
    for number in range(10):
        store.note(row(str(number), number))
    assert [value.value for value in store.values("one", "run", 3)] == ["7", "8", "9"]
    assert [value.value for value in store.values("one", "run", 3, before=at(7))] == ["4", "5", "6"]


def test_nothing_is_written_for_instances_without_a_status(tmp_path: Path) -> None:
    store = InsightStore(tmp_path / "insight.db")
    for seconds in range(5):
        store.note(row(None, seconds))
    store.note(replace(row('{"entityExists":true}'), id="@counter@k"))
    store.close()
    assert not (tmp_path / "insight.db").exists()


def test_values_outlive_the_host_and_are_not_doubled(tmp_path: Path) -> None:
    for _ in range(2):
        store = InsightStore(tmp_path / "insight.db")
        store.note(row("1", 1))
        store.close()
    again = InsightStore(tmp_path / "insight.db")
    assert values(again) == [StatusValue(at(1), "1")]
    again.close()


def test_a_purge_removes_what_is_kept(store: InsightStore) -> None:
    store.note(row("1", 1))
    store.forget("one")
    assert values(store) == []


def test_a_new_start_under_the_same_id_leaves_nothing_of_the_old(store: InsightStore) -> None:
    store.note(row("1", 1))
    store.note(row("2", 2, execution="other"))
    assert values(store) == [] and values(store, "other") == [StatusValue(at(2), "2")]
    assert store.executions("one", "other") == []


def test_executions_before_continue_as_new_are_known(store: InsightStore) -> None:
    second, third = next_execution("run"), next_execution(next_execution("run"))
    for number, execution in enumerate(("run", second, third)):
        store.note(row(None, number, execution, created=at(number), input=str(number)))
    assert [(each.execution_id, each.created, each.input) for each in store.executions("one", third)] == [
        ("run", at(0), "0"),
        (second, at(1), "1"),
    ]


def test_of_too_many_values_every_second_old_one_goes(store: InsightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 8)
    for number in range(9):
        store.note(row(str(number), number))
    assert [value.value for value in values(store)] == ["0", "2", "4", "5", "6", "7", "8"]


def test_over_its_size_finished_instances_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = InsightStore(tmp_path / "insight.db")
    store.note(row('"runs"', 1))
    store.note(replace(row('"ended"', 2), id="two", status=RuntimeStatus.Completed))
    assert store.values("two", "run", 1)
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    store.note(replace(row('"new"', 3), id="three"))
    assert store.values("two", "run", 1) == [] and values(store)
    store.close()


def test_a_file_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = InsightStore(tmp_path / "file" / "insight.db")
    assert store.note(row("1", 1)) == "1"
    store.close()


def test_a_file_that_is_no_database_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "insight.db").write_text("this is no database, and long enough not to be taken for an empty one" * 20)
    store = InsightStore(tmp_path / "insight.db")
    store.note(row("1", 1))
    assert values(store) == []
    store.close()
    with closing(sqlite3.connect(tmp_path / "insight.db")) as connection, pytest.raises(sqlite3.Error):
        connection.execute("SELECT * FROM statuses")


def test_recorded_values_are_never_replaced_by_computed_ones() -> None:
    computed = [PastStatus(at(seconds), f'"c{seconds}"', seconds, True) for seconds in range(4)]
    found = merged([StatusValue(at(2), '"r2"'), StatusValue(at(3), '"r3"')], computed, ())
    assert [(each.value, each.is_recomputed) for each in found] == [
        ('"c0"', True),
        ('"c1"', True),
        ('"r2"', False),
        ('"r3"', False),
    ]
