"""Histories as rows: of every recorded conversation, and of long ones."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fnhost.host.durable.insight.grouping import FAN_OUT, LOOP, grouped
from fnhost.host.durable.insight.rows import Row, Timeline
from fnhost.host.durable.insight.timeline import fold
from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.replay.actions import (
    Action,
    CallActivity,
    CallHttp,
    CreateTimer,
    RetryOptions,
    WaitForEvent,
    WithRetry,
)
from fnhost.host.durable.replay.actions import read_orchestrator_state as read_state
from fnhost.host.durable.replay.decide import HTTP_ACTIVITY
from fnhost.host.durable.replay.trace import Trace
from tests.support.recordings import RECORDED, episodes

ORCHESTRATIONS = sorted(name for name, recorded in RECORDED.items() if recorded["kind"] == "orchestrator")
BEGIN: Instant = "2026-01-01T00:00:00.0000000Z"


def at(seconds: float) -> Instant:
    return later(BEGIN, seconds)


@pytest.mark.parametrize("with_trace", [True, False], ids=["with trace", "history alone"])
@pytest.mark.parametrize("name", ORCHESTRATIONS)
def test_every_event_belongs_to_one_row(name: str, with_trace: bool) -> None:
    for episode in episodes(name):
        history = (*episode.history, *episode.appended)
        trace = Trace(history, read_state(episode.outcome).actions) if with_trace else None
        timeline = fold(history, trace)
        rows = timeline.all_rows()
        tasks = [row.task for row in rows]
        assert len(tasks) == len(set(tasks)), "a task names one row"
        held = [index for row in rows for index in row.events]
        assert len(held) == len(set(held)), "an event is in one row"
        assert len(timeline.owners) == len(history)
        for row in rows:
            assert all(timeline.owners[index] == row.task for index in row.events) or row.kind == "event"
            assert row.end is None or row.end >= row.start
        others = ("begin", "end", "episode ", "band ", "e")
        unowned = [owner for owner in timeline.owners if owner not in tasks and not owner.startswith(others)]
        assert not unowned


@pytest.mark.parametrize("name", ORCHESTRATIONS)
def test_open_rows_are_what_the_history_has_open(name: str) -> None:
    for episode in episodes(name):
        history = (*episode.history, *episode.appended)
        timeline = fold(history, Trace(history, read_state(episode.outcome).actions))
        is_over = any(isinstance(event, ExecutionCompleted) for event in episode.appended)
        opened = [row for row in timeline.all_rows() if row.state == "open"]
        assert not (is_over and opened), f"nothing is open when all is over: {opened}"


def test_the_tries_of_a_retry_are_one_row_with_the_pauses_between() -> None:
    timeline = folded("py-retry-then-success")
    (row,) = timeline.rows
    assert (row.kind, row.name, row.state, row.attempt, row.of) == ("retry", "Flaky", "done", 3, 3)
    assert [(each.kind, each.state) for each in row.children] == [
        ("activity", "failed"),
        ("timer", "done"),
        ("activity", "failed"),
        ("timer", "done"),
        ("activity", "done"),
    ]
    assert [each.attempt for each in row.children if each.kind == "activity"] == [1, 2, 3]


def test_a_retry_whose_tries_all_failed_has_failed() -> None:
    (row,) = [row for row in folded("py-retry-exhausted").rows if row.kind == "retry"]
    assert (row.state, row.attempt, row.of, row.children[-1].is_wait) == ("failed", 2, 2, True)
    assert row.error and row.end == row.children[-2].end


def test_a_polled_call_is_one_row() -> None:
    request = {"method": "GET", "uri": "http://x/api", "asynchronousPatternEnabled": True}
    pending = json.dumps({"statusCode": 202, "headers": {"Location": "http://x/status"}, "content": ""})
    asked = TaskScheduled(timestamp=BEGIN, event_id=0, name=HTTP_ACTIVITY, input=json.dumps([request]))
    closed = OrchestratorCompleted(timestamp=at(1), listed=1)
    polled = replace(asked, event_id=2, input=json.dumps([{**request, "uri": "http://x/status"}]))
    answered = TaskCompleted(timestamp=at(1), task_scheduled_id=0, result=pending)
    pause = TimerCreated(timestamp=at(1), event_id=1, fire_at=at(31))
    events = [*began(asked), closed, OrchestratorStarted(timestamp=at(1)), answered, pause, closed]
    (row,) = rows_of(events, [CallHttp(request)])
    assert (row.task, row.kind, row.name, row.state) == ("h0", "http", "GET x/api", "open")
    fired = TimerFired(timestamp=at(1), timer_id=1, fire_at=at(31))
    done = TaskCompleted(timestamp=at(40), task_scheduled_id=2, result='{"statusCode": 200, "headers": {}}')
    events += [OrchestratorStarted(timestamp=at(31)), fired, polled, closed]
    events += [OrchestratorStarted(timestamp=at(40)), done, closed]
    (row,) = rows_of(events, [CallHttp(request)])
    assert (row.state, row.end, [child.name for child in row.children]) == (
        "done",
        at(40),
        ["GET x/api", "pause", "GET x/status"],
    )


def test_the_hops_of_a_long_timer_are_one_row() -> None:
    due, day = at(8 * 86400), 86400
    events = began(TimerCreated(timestamp=BEGIN, event_id=0, fire_at=at(3 * day)))
    events.append(OrchestratorCompleted(timestamp=BEGIN, listed=1))
    for hop in (1, 2):
        now = at(3 * day * hop)
        events += [OrchestratorStarted(timestamp=now), TimerFired(timestamp=now, timer_id=hop - 1, fire_at=now)]
        events.append(TimerCreated(timestamp=now, event_id=hop, fire_at=min(at(3 * day * (hop + 1)), due)))
        events.append(OrchestratorCompleted(timestamp=now, listed=1))
    (row,) = rows_of(events, [CreateTimer(due, is_canceled=False)])
    assert (row.task, row.kind, row.due, row.state, row.start) == ("t0", "timer", due, "open", BEGIN)
    assert len(row.events) == 5


def test_an_event_that_came_early_is_a_mark_that_leads_to_its_wait() -> None:
    timeline = folded("py-external-event-early")
    (mark,) = timeline.marks
    wait = next(row for row in timeline.rows if row.kind == "event")
    assert mark.taken == wait.task and wait.state == "done"


def test_the_timer_that_lost_a_race_is_cancelled_when_the_race_was_won() -> None:
    timeline = folded("py-when-any-timer-event-wins")
    timer, event = (next(row for row in timeline.rows if row.kind == kind) for kind in ("timer", "event"))
    assert (timer.state, event.state) == ("cancelled", "done")
    assert timer.end == event.end


def folded(name: str) -> Timeline:
    episode = episodes(name)[-1]
    history = (*episode.history, *episode.appended)
    return fold(history, Trace(history, read_state(episode.outcome).actions))


def began(*events: HistoryEvent) -> list[HistoryEvent]:
    started = ExecutionStarted(timestamp=BEGIN, orchestration_instance=Execution("one", "run"), name="Flow")
    return [OrchestratorStarted(timestamp=BEGIN), started, *events]


def called(task: int, name: str, seconds: float) -> TaskScheduled:
    return TaskScheduled(timestamp=at(seconds), event_id=task, name=name, input="[1]")


def returned(task: int, seconds: float) -> TaskCompleted:
    return TaskCompleted(timestamp=at(seconds), task_scheduled_id=task, result="1")


def chain(length: int, failing: int | None = None, name: str = "Add") -> list[HistoryEvent]:
    events = began()
    for task in range(length):
        now = at(task)
        if task:
            events.append(OrchestratorStarted(timestamp=now))
            events.append(
                TaskFailed(timestamp=now, task_scheduled_id=task - 1, reason="no such luck\nat all")
                if task - 1 == failing
                else returned(task - 1, task)
            )
        events += [called(task, name, task), OrchestratorCompleted(timestamp=now, listed=task + 1)]
    return events


def rows_of(events: Sequence[HistoryEvent], listed: Sequence[Action] = ()) -> Sequence[Row]:
    return grouped(fold(events, Trace(events, listed) if listed else None)).rows


def test_a_long_loop_is_one_row_and_its_failures_stay_visible() -> None:
    (loop,) = rows_of(chain(1250, failing=7))
    assert (loop.kind, loop.label, loop.state, loop.children[7].error) == (
        "loop",
        "\u00d71,250 Add",
        "open",
        "no such luck",
    )
    assert loop.group and (loop.group.count, loop.group.failed, loop.group.open, loop.group.first_failed) == (
        1250,
        1,
        1,
        "7",
    )
    assert loop.group.median_ms == 1000.0


@pytest.mark.parametrize("count", [LOOP, LOOP + 1])
def test_a_loop_is_longer_than_its_limit(count: int) -> None:
    assert [row.kind for row in rows_of(chain(count))] == (["loop"] if count > LOOP else ["activity"] * count)


def test_a_pattern_of_several_names_is_one_loop() -> None:
    events = chain(100)
    named = [replace(e, name="AB"[e.event_id % 2]) if isinstance(e, TaskScheduled) else e for e in events]
    (loop,) = rows_of(named)
    assert loop.group and (loop.group.pattern, loop.group.repeats) == (("A", "B"), 50)


@pytest.mark.parametrize("count", [FAN_OUT, FAN_OUT + 1])
def test_a_fan_out_is_larger_than_its_limit(count: int) -> None:
    events = began(*(called(task, "Square", 0) for task in range(count)))
    kinds = {row.kind for row in rows_of(events)}
    assert kinds == {"fan_out" if count > FAN_OUT else "activity"}


def test_the_begin_of_a_wait_for_an_event_is_known_from_the_actions() -> None:
    events = began(called(0, "Step", 0), OrchestratorCompleted(timestamp=BEGIN, listed=1))
    events += [OrchestratorStarted(timestamp=at(5)), returned(0, 4), OrchestratorCompleted(timestamp=at(5), listed=2)]
    step, wait = rows_of(events, [CallActivity("Step", "1"), WaitForEvent("Approval")])
    assert (step.task, step.state, step.label) == ("0", "done", "Step 1")
    assert (wait.kind, wait.name, wait.start, wait.state) == ("event", "Approval", at(5), "open")


def test_an_end_that_is_stamped_before_its_begin_is_marked_and_never_negative() -> None:
    (row,) = rows_of(began(called(0, "Step", 10), returned(0, 2)))
    assert (row.is_skewed, row.ms) == (True, 0.0)


def test_suspended_times_are_bands() -> None:
    events = began(ExecutionSuspended(timestamp=at(1), reason="lunch"), ExecutionResumed(timestamp=at(9)))
    (band,) = fold(events).bands
    assert (band.start, band.end, band.reason) == (at(1), at(9), "lunch")


def test_what_is_open_at_the_end_is_cancelled() -> None:
    ended = ExecutionCompleted(timestamp=at(9), orchestration_status=RuntimeStatus.Completed, result="1")
    timer = TimerCreated(timestamp=at(0), event_id=0, fire_at=at(99))
    timeline = fold(began(timer, ended))
    assert (timeline.rows[0].state, timeline.rows[0].end) == ("cancelled", at(9))
    assert timeline.finish and timeline.finish.kind == "Completed"


def test_an_event_without_a_trace_has_a_row_of_its_own() -> None:
    events = began(OrchestratorStarted(timestamp=at(3)), EventRaised(timestamp=at(3), name="Go", input="1"))
    (row,) = fold(events).rows
    assert (row.kind, row.name, row.task, row.state) == ("event", "Go", "e3", "done")


def test_a_retry_that_waits_is_open() -> None:
    options = RetryOptions(5, 3)
    events = began(called(0, "Flaky", 0), OrchestratorCompleted(timestamp=BEGIN, listed=1))
    failed = TaskFailed(timestamp=at(1), task_scheduled_id=0, reason="no")
    pause = TimerCreated(timestamp=at(1), event_id=1, fire_at=at(6))
    events += [OrchestratorStarted(timestamp=at(1)), failed, pause, OrchestratorCompleted(timestamp=at(1), listed=1)]
    (row,) = rows_of(events, [WithRetry(CallActivity("Flaky", "1"), options)])
    assert (row.kind, row.state, row.attempt, row.of) == ("retry", "open", 1, 3)
    assert row.children[1].is_wait
