"""An app in TypeScript that was not compiled is told how, by its own package.json."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fnhost.host.load.app import load

HTTP = {"name": "req", "type": "httpTrigger", "direction": "in"}


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ({"scripts": {"watch": "tsc -w", "build": "webpack"}}, "npm run build"),
        ({"scripts": {"start": "func start", "compile": "npx tsc -p ."}}, "npm run compile"),
        ({"scripts": {"start": "func start"}}, "npx tsc"),
        ({"scripts": 5}, "npx tsc"),
        (None, "npx tsc"),
    ],
)
def test_a_missing_build_is_told_with_the_script_for_it(
    tmp_path: Path, package: Mapping[str, object] | None, command: str
) -> None:
    write_app(tmp_path, "../dist/F/index.js")
    (tmp_path / "tsconfig.json").write_text("{}")
    if package is not None:
        (tmp_path / "package.json").write_text(json.dumps(package))
    (problem,) = load(tmp_path, {}).problems
    assert (problem.file, problem.pointer) == ("F/function.json", "/scriptFile")
    assert problem.hint == f'The app is written in TypeScript: compile it first, with "{command}".'


def test_other_apps_have_misspelled_the_name(tmp_path: Path) -> None:
    write_app(tmp_path, "Index.js")
    (problem,) = load(tmp_path, {}).problems
    assert problem.hint == "Names are compared exactly, case included."


def write_app(root: Path, script: str) -> None:
    (root / "F").mkdir()
    (root / "host.json").write_text('{"version": "2.0"}')
    (root / "F" / "index.ts").write_text("export default async () => {};")
    (root / "F" / "function.json").write_text(json.dumps({"scriptFile": script, "bindings": [HTTP]}))
