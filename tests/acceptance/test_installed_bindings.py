"""Binding types that another installed package brings, and what a trigger may rely on when a version is replaced."""

from pathlib import Path

from tests.support.hosts import bindings, http, run, running, write_app
from tests.support.packages import install

WAITS = """
import os, time

def main(line: str) -> str:
    print(f"took {{line}}", flush=True)
    while not os.path.exists({gate!r}):
        time.sleep(0.01)
    return line.upper() + {version!r}
"""
HELLO = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n", "Hello/function.json": http()}


def lines_app(root: Path, text: str = "") -> Path:
    entries = (
        {"name": "line", "type": "linesTrigger", "direction": "in", "path": str(root / "in.txt")},
        {"name": "$return", "type": "append", "direction": "out", "path": str(root / "out.txt")},
    )
    app = write_app(root, {**HELLO, "Lines/__init__.py": version(root, "!"), "Lines/function.json": bindings(*entries)})
    (root / "in.txt").write_text(text)
    return app


def version(root: Path, mark: str) -> str:
    return WAITS.format(gate=str(root / "gate"), version=mark)


def test_an_installed_trigger_and_output_are_served(tmp_path: Path) -> None:
    packages = install(tmp_path / "packages")
    app = lines_app(tmp_path / "app", "one two")
    (app / "gate").touch()
    with running(app, PYTHONPATH=str(packages)) as host:
        host.output.until("\tLines: linesTrigger")
        host.output.until("Executed 'Functions.Lines' (Succeeded", 2)
    assert sorted((app / "out.txt").read_text().split()) == ["ONE!", "TWO!"]


def test_what_was_taken_is_settled_by_the_version_that_took_it(tmp_path: Path) -> None:
    packages = install(tmp_path / "packages")
    app = lines_app(tmp_path / "app", "slow")
    with running(app, PYTHONPATH=str(packages)) as host:
        host.output.until("took slow")
        host.write("in.txt", "quick")
        host.write("Lines/__init__.py", version(app, "?"))
        host.output.until("took quick")
        assert host.get("/api/Hello").text == "hello"
        (app / "gate").touch()
        host.output.until("Executed 'Functions.Lines' (Succeeded", 2)
    assert sorted((app / "out.txt").read_text().split()) == ["QUICK?", "SLOW!"]
    assert sorted((app / "in.settled").read_text().splitlines()) == ["quick: done", "slow: done"]


def test_a_package_that_offers_no_binding_type_is_named(tmp_path: Path) -> None:
    packages = install(tmp_path / "packages", object="LinesTrigger.listen")
    code, lines = run("check", lines_app(tmp_path / "app"), PYTHONPATH=str(packages))
    assert code == 1
    assert "The package line-bindings offers bindings, but" in "\n".join(lines)


def test_two_packages_with_one_type_are_refused(tmp_path: Path) -> None:
    install(tmp_path / "packages")
    packages = install(tmp_path / "packages", name="more-lines")
    code, lines = run("check", lines_app(tmp_path / "app"), PYTHONPATH=str(packages))
    assert code == 1
    assert any("Two packages declare the binding type 'linesTrigger'" in line for line in lines)
