"""What a host keeps for its owner alone."""

import errno
import os
from pathlib import Path

import pytest

from fnhost.host.errors import StartError
from fnhost.host.system.private_files import write_private


@pytest.mark.parametrize(
    ("code", "way_out"), [(errno.ENOSPC, "Free some space there."), (errno.EACCES, "Make '.*' writable for this user")]
)
def test_what_cannot_be_written_says_what_helps(
    code: int, way_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StartError, match=rf"keys\.json cannot be written: .*\. {way_out}"):
        write_private(tmp_path / "keys.json", b"{}")
    assert list(tmp_path.iterdir()) == []
