"""Which Node runs a worker, and what its environment says."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fnhost.azurite import install
from fnhost.azurite.install import Node
from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.commands import command

SETTING = "languageWorkers__node__defaultExecutablePath"


def app_in(root: Path, **environment: str) -> App:
    return App(root, "node", (), Settings(environment), HostConfig())


def node_of(app: App) -> str:
    return command(app).arguments[0]


def make_node(folder: Path, says: str) -> Path:
    """A program that says a version as node does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(install, "node_from_pip", lambda: None)
    yield


def test_the_setting_wins_over_the_path(tmp_path: Path) -> None:
    on_path, own = make_node(tmp_path / "path", "v20.1.0"), make_node(tmp_path / "own", "v22.0.0")
    assert node_of(app_in(tmp_path, PATH=str(on_path.parent))) == str(on_path)
    assert node_of(app_in(tmp_path, PATH=str(on_path.parent), **{SETTING: str(own)})) == str(own)


def test_a_node_that_is_not_there_or_too_old_is_named(tmp_path: Path) -> None:
    old = make_node(tmp_path / "old", "v18.20.0")
    with pytest.raises(StartError, match=r"languageWorkers:node:defaultExecutablePath names does not exist: /no/node"):
        node_of(app_in(tmp_path, **{SETTING: "/no/node"}))
    with pytest.raises(StartError, match=r"says 18\.20\.0\. Apps need Node 20 or newer\."):
        node_of(app_in(tmp_path, **{SETTING: str(old)}))


def test_pip_installs_one_where_the_path_has_none_or_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_node(tmp_path / "old", "v18.20.0")
    monkeypatch.setattr(install, "node_from_pip", lambda: Node("/wheel/node", ()))
    assert node_of(app_in(tmp_path, PATH=str(tmp_path))) == "/wheel/node"
    assert node_of(app_in(tmp_path, PATH=str(old.parent))) == "/wheel/node"


def test_without_any_the_text_says_what_to_install(tmp_path: Path, without_wheel: None) -> None:
    old = make_node(tmp_path / "old", "v18.20.0")
    with pytest.raises(StartError, match=r"no node on PATH\. Install Node 20 or newer"):
        node_of(app_in(tmp_path, PATH=str(tmp_path)))
    with pytest.raises(StartError, match=r"is Node 18\.20\.0\. Install Node 20 or newer"):
        node_of(app_in(tmp_path, PATH=str(old.parent)))


def test_a_program_that_says_nothing_is_no_node(tmp_path: Path, without_wheel: None) -> None:
    silent = make_node(tmp_path, "")
    with pytest.raises(StartError, match="is Node of an unknown version"):
        node_of(app_in(tmp_path, PATH=str(silent.parent)))


def test_the_command_has_arguments_of_its_own_before_the_program(tmp_path: Path) -> None:
    arguments = "--inspect=9229 --enable-source-maps"
    made = command(app_in(tmp_path, PATH=os.environ["PATH"], languageWorkers__node__arguments=arguments))
    assert made.arguments[0] == os.path.abspath(shutil.which("node") or "")
    assert made.arguments[1:-1] == ("--enable-source-maps", "--inspect-publish-uid=http")
    assert made.arguments[-1].endswith(os.path.join("languages", "node", "start.js"))
    assert (made.is_exclusive, made.directory, made.source) == (False, tmp_path, "PATH")
    assert str(made.debug) == "127.0.0.1:9229"


def test_the_environment_has_nothing_of_other_languages(tmp_path: Path) -> None:
    made = command(app_in(tmp_path, PATH=os.environ["PATH"]))
    assert made.environment == {
        "PATH": os.environ["PATH"],
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "FUNCTIONS_WORKER_RUNTIME": "node",
        "FUNCTIONS_WORKER_DIRECTORY": os.path.dirname(made.arguments[-1]),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(tmp_path),
        "AzureWebJobsScriptRoot": str(tmp_path),
    }
    assert not made.is_exclusive
