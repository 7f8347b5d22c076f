"""`fnhost settings` and `fnhost completion`, as a shell runs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hosts import PATIENCE, PROGRAM, environment, run, write_app

SETTINGS = """{
  "IsEncrypted": false,
  "Values": {
    "Known": "secret" // stays
  }
}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path, {"local.settings.json": SETTINGS})


def values(app: Path) -> dict[str, str]:
    """Of the file without its one comment."""
    found: dict[str, str] = json.loads((app / "local.settings.json").read_text().replace("// stays", ""))["Values"]
    return found


def test_settings_are_listed_with_their_values_hidden(app: Path) -> None:
    code, lines = run("settings", "list", "--app", app)
    assert (code, lines) == (0, ["App Settings:", "   -> Name: Known", "      Value: *****", "", "Connection Strings:"])
    assert "      Value: secret" in run("settings", "list", "--app", app, "--showValue")[1]


def test_settings_are_added_and_deleted_and_the_rest_stays(app: Path) -> None:
    (app / "local.settings.json").chmod(0o640)
    assert run("settings", "add", "New", "x", "--app", app) == (0, [])
    assert values(app) == {"Known": "secret", "New": "x"}
    assert "// stays" in (app / "local.settings.json").read_text()
    assert run("settings", "delete", "New", "--app", app) == (0, [])
    assert values(app) == {"Known": "secret"}
    assert (app / "local.settings.json").stat().st_mode & 0o777 == 0o640
    assert run("settings", "delete", "Knwon", "--app", app) == (
        1,
        ["local.settings.json has no setting 'Knwon'. Did you mean 'Known'?"],
    )


def test_connection_strings_stand_apart(app: Path) -> None:
    for value in ("first", "second"):
        assert run("settings", "add", "Sql", value, "--connectionString", "--app", app) == (0, [])
    written = json.loads((app / "local.settings.json").read_text().replace("// stays", ""))
    assert written["ConnectionStrings"]["Sql"]["ConnectionString"] == "second"
    assert run("settings", "list", "--app", app)[1][-3] == "   -> Name: Sql"
    assert run("settings", "delete", "Sql", "--connectionString", "--app", app) == (0, [])


def test_a_value_comes_over_standard_input(app: Path) -> None:
    command = [sys.executable, *PROGRAM, "settings", "add", "Piped", "--app", str(app)]
    done = subprocess.run(command, input="from a pipe\n", text=True, env=environment({}), timeout=PATIENCE, check=True)
    assert (done.returncode, values(app)["Piped"]) == (0, "from a pipe")
    code, lines = run("settings", "add", "Missing", "--app", app)
    assert (code, lines[-1].startswith("Give the setting's value")) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"IsEncrypted": true, "Values": {"A": "b"}}', 'Say "IsEncrypted": false in it first.'),
        ('{"Values": {"A": "b"}}', 'Say "IsEncrypted": false in it first.'),
        ("{", "local.settings.json line 1 column 2: "),
        ("[]", "The file must hold an object"),
    ],
)
def test_a_file_that_cannot_be_changed_is_left_alone(app: Path, text: str, said: str) -> None:
    (app / "local.settings.json").write_text(text)
    code, lines = run("settings", "add", "New", "x", "--app", app)
    assert (code, said in lines[-1]) == (1, True), lines
    assert (app / "local.settings.json").read_text() == text


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    app = write_app(tmp_path, {})
    assert run("settings", "add", "New", "x", "--app", app) == (0, [])
    assert json.loads((app / "local.settings.json").read_text()) == {"IsEncrypted": False, "Values": {"New": "x"}}


def completed(folder: Path, line: str) -> list[str]:
    """What bash offers for a half-written command line, after it has read the script."""
    (folder / "fnhost").write_text(f'#!/bin/sh\nexec {sys.executable} -m fnhost "$@"\n')
    (folder / "fnhost").chmod(0o755)
    script = f"""
        eval "$(fnhost completion bash)"
        COMP_LINE={line!r} COMP_POINT={len(line)} COMP_TYPE=9
        _python_argcomplete fnhost
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    bash = shutil.which("bash")
    assert bash
    searched = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, env=environment(searched), timeout=PATIENCE, check=True
    )
    return [word.strip() for word in done.stdout.splitlines() if word]


def test_a_shell_completes_commands_options_and_names(app: Path) -> None:
    assert {"start", "settings"} <= set(completed(app, "fnhost s"))
    assert completed(app, "fnhost start --enable-j") == ["--enable-json-output"]
    assert "Known" in completed(app, f"fnhost settings delete --app {app} ")
    assert completed(app, "fnhost settings delete --app /nowhere Kno") == []


@pytest.mark.parametrize(("shell", "words"), [("zsh", "#compdef fnhost"), ("fish", "complete --command fnhost")])
def test_each_shell_has_its_script(shell: str, words: str) -> None:
    code, lines = run("completion", shell)
    assert code == 0
    assert any(words in line for line in lines)
