"""The file of an app's keys: read by a schema, written anew, private; a bad one never opens or locks anything."""

import json
import os
import stat
from pathlib import Path

import pytest

from fnhost.host.errors import StartError
from fnhost.host.web.keys import HOST, MASTER, SYSTEM, Keys, function_scope


def write(root: Path, content: object) -> Path:
    file = root / ".fnhost" / "keys.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.mark.parametrize(
    "content",
    [
        {"host": {"_master": ""}},
        {"host": {"_master": None}},
        {"host": {"_master": 7}},
        {"host": {"_master": "\ud800"}},
        {"host": {"": "value"}},
        {"host": ["value"]},
        {"host": None},
        ["host"],
        "null",
        "{",
        "[" * 100_000,
    ],
)
def test_what_is_no_keys_file_stops_the_start_and_is_left_as_it_is(content: object, tmp_path: Path) -> None:
    file = write(tmp_path, content)
    before = file.read_bytes()
    with pytest.raises(StartError, match=r"keys\.json: the keys cannot be read .* Mend the file, or delete it"):
        Keys.of_app(tmp_path)
    assert file.read_bytes() == before


def test_a_message_never_shows_a_key(tmp_path: Path) -> None:
    write(tmp_path, {"host": {"_master": "secret\ud800"}})
    with pytest.raises(StartError) as caught:
        Keys.of_app(tmp_path)
    assert "secret" not in str(caught.value)


def test_an_empty_key_opens_nothing(tmp_path: Path) -> None:
    keys = Keys.of_app(tmp_path)
    assert not keys.is_master("")
    assert not keys.admits("function", "F", "")
    assert not keys.is_master("None")


@pytest.mark.parametrize("text", ["", "\ud800", "a\nb", "a\0b", "x" * 1025])
def test_bad_text_is_refused_and_changes_nothing(text: str, tmp_path: Path) -> None:
    keys = Keys.of_app(tmp_path)
    master = keys.of(HOST)[MASTER]
    for name, value in (("mine", text), (text, "value")):
        with pytest.raises(ValueError, match="texts of 1 to 1024 characters"):
            keys.put(HOST, name, value)
    assert keys.is_master(master)
    assert Keys.of_app(tmp_path).is_master(master)
    assert not keys.admits("function", "F", "\ud800")


def test_a_file_that_becomes_unreadable_keeps_the_keys_before_it(tmp_path: Path) -> None:
    keys = Keys.of_app(tmp_path)
    master = keys.of(HOST)[MASTER]
    file = write(tmp_path, "{")
    assert keys.is_master(master)
    with pytest.raises(StartError, match="cannot be read"):
        keys.put(HOST, "mine", "value")
    assert file.read_text() == "{"
    write(tmp_path, {"host": {"_master": "another"}})
    assert keys.is_master("another")


def test_the_folder_is_private_and_ignores_itself(tmp_path: Path) -> None:
    (tmp_path / ".fnhost").mkdir(mode=0o755)
    Keys.of_app(tmp_path).of(HOST)
    assert stat.S_IMODE((tmp_path / ".fnhost").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".fnhost" / "keys.json").stat().st_mode) == 0o600
    assert (tmp_path / ".fnhost" / ".gitignore").read_text() == "*\n"


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / ".fnhost").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("{}")
    (tmp_path / ".fnhost" / "keys.json").symlink_to(victim)
    Keys.of_app(tmp_path).of(SYSTEM)
    Keys.of_app(tmp_path).put(function_scope("F"), "mine")
    assert victim.read_text() == "{}"
    assert not (tmp_path / ".fnhost" / "keys.json").is_symlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".fnhost").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="is a link"):
        Keys.of_app(tmp_path).of(HOST)
    assert not os.listdir(tmp_path / "elsewhere")


def test_keys_that_cannot_be_stored_open_nothing(tmp_path: Path) -> None:
    keys = Keys.of_app(tmp_path)
    (tmp_path / ".fnhost").write_text("a file")
    with pytest.raises(StartError, match="is no folder"):
        keys.of(HOST)
    assert not keys.admits("function", "F", "any")
