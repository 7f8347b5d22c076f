"""Conversations recorded with real official workers are held again: the host says what it said to the worker then."""

from pathlib import Path

import pytest

from tests.support.conversations import RECORDINGS, differences, read
from tests.support.recorded import played, taken
from tests.support.replaying_worker import AT_ITS_END

NAMES = sorted(file.stem for file in RECORDINGS.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_the_host_says_what_it_said_to_the_real_worker(name: str, tmp_path: Path) -> None:
    recording, values = read(name), dict[str, str]()
    with played(name, recording, tmp_path) as host:
        for step, recorded in zip(recording.steps, recording.answers, strict=True):
            found = list(differences(recorded, taken(host, step), values))
            assert not found, f"{step}: {found}\n{host.output.tail}"
        host.output.until(AT_ITS_END)
        for line in ("greeting in the worker", "it went wrong", "Executed 'Functions.refuse' (Failed"):
            host.output.until(line)
