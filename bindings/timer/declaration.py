"""The binding type `timerTrigger` (platform/app-files.md 3, platform/timer.md)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import BOOLEAN, STRING, Violation, members
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.timer.schedule import ScheduleError, parse_schedule
from fnhost.bindings.timer.trigger import open_trigger


def schedule_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    try:
        parse_schedule(entry["schedule"])
    except ScheduleError as error:
        yield Violation("/schedule", str(error))


BINDING_TYPES: Final = (
    BindingType(
        name="timerTrigger",
        schema=members("schedule", schedule=STRING, runOnStartup=BOOLEAN, useMonitor=BOOLEAN),
        needs_storage=True,
        services=StorageServices,
        open=open_trigger,
        violations=schedule_violations,
        data_names=lambda binding: frozenset(("TimerTrigger",)),
    ),
)
