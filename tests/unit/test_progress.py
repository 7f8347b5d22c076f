"""Which custom statuses look like progress."""

import pytest

from fnhost.host.durable.insight.progress import progress_of


@pytest.mark.parametrize(
    ("status", "kind", "percent"),
    [
        ("0.25", "fraction", 25.0),
        ("7", "counter", None),
        ('{"step": 2, "of": 3}', "of", 66.67),
        ('{"text": "x", "Processed": 10, "Total": 40}', "of", 25.0),
        ('{"count": 1, "total": 4}', "of", 25.0),
        ('{"percent": 40}', "percent", 40.0),
        ('{"progress": 0.4}', "fraction", 40.0),
        ('"3 of 4 done"', "of", 75.0),
        ('"3/4"', "of", 75.0),
        ('"about 12.5 %"', "percent", 12.5),
        ("[1, 4]", "of", 25.0),
    ],
)
def test_progress_is_seen(status: str, kind: str, percent: float | None) -> None:
    found = progress_of(status)
    assert found and (found.kind, found.percent) == (kind, percent)


@pytest.mark.parametrize(
    "status",
    [
        None,
        "",
        "null",
        "true",
        '"London"',
        '{"step": 4, "of": 3}',
        '{"step": -1, "of": 3}',
        '{"step": 0, "of": 0}',
        '{"step": true, "of": 3}',
        '{"count": 3}',
        "[1, 2, 3]",
        "[2, 1]",
        '"1 of 2 of 3"',
        '"250 %"',
        "-4",
        "not JSON",
    ],
)
def test_nothing_is_guessed(status: str | None) -> None:
    assert progress_of(status) is None
