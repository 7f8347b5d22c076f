"""Limits of time lie inside each other: what is to happen within another limit has the time for it."""

from fnhost.host import limits
from fnhost.host.durable.runtime.engine import EngineSettings


def test_the_end_of_the_host_has_time_for_everything_that_happens_in_it() -> None:
    engine = EngineSettings()
    assert (engine.grace, engine.patience) == (limits.EPISODES_END, limits.MESSAGES_RETURN)
    functions = (limits.LAST_PATIENCE, limits.LAST_DRAIN, limits.LAST_STOP, limits.PIPES_LINGER)
    server = (limits.RESPONSES_END, limits.RESPONSES_CANCELLED)
    assert sum((*server, engine.grace, engine.patience, *functions, *server)) < limits.END


def test_core_tools_force_the_end_later() -> None:
    assert limits.END < 2.0


def test_a_worker_that_is_asked_to_end_has_time_for_its_last_lines() -> None:
    assert limits.PIPES_LINGER < limits.LAST_STOP <= limits.STOP


def test_a_worker_is_asked_several_times_before_its_silence_is_told() -> None:
    assert limits.PING * 3 <= limits.SILENCE


def test_a_call_waits_for_several_starts_but_no_longer_than_for_the_slowest() -> None:
    assert limits.STOP < limits.READY <= limits.START <= limits.LEAST_LOAD
