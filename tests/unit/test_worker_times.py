"""The worker's quick way to read times gives what the SDK's own parser gives."""

import importlib.util
from pathlib import Path

import pytest
from dateutil.parser import parse as slow

SOURCE = Path(__file__).parents[2] / "host/worker/languages/python/_fnhost_worker/times.py"
SPEC = importlib.util.spec_from_file_location("worker_times", SOURCE)
assert SPEC and SPEC.loader
times = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(times)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T10:00:01.1244567Z",
        "2024-12-31T23:59:59.9999999Z",
        "2024-05-01T10:00:01Z",
        "2024-05-01T10:00:01.124Z",
        "2024-05-01T10:00:01.124456+02:00",
        "2024-05-01T10:00:01.124456789Z",
    ],
)
def test_a_time_is_read_as_the_sdk_reads_it(text: str) -> None:
    assert times.fast_parser(slow)(text) == slow(text)
    assert str(times.fast_parser(slow)(text)) == str(slow(text))


def test_the_hosts_own_form_does_not_need_the_sdks_parser() -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    assert times.fast_parser(refuse)("2024-05-01T10:00:01.1244567Z").microsecond == 124456
