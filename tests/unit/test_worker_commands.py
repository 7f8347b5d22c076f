"""Which Python runs a worker, and what its environment says."""

import os
import sys
from pathlib import Path

import pytest

from host.app import App, HostConfig, Settings
from host.errors import StartError
from host.worker.commands import PYTHON_IN_ENVIRONMENT, command

SETTING = "languageWorkers__python__defaultExecutablePath"


def app_in(root: Path, language: str = "python", **environment: str) -> App:
    return App(root, language, (), Settings(environment), HostConfig())


def make_environment(folder: Path) -> Path:
    executable = folder / PYTHON_IN_ENVIRONMENT
    executable.parent.mkdir(parents=True)
    executable.touch(0o755)
    return executable


def python_of(app: App, option: str | None = None) -> str:
    return command(app, option, "/host/python").arguments[0]


def test_the_nearest_python_wins(tmp_path: Path) -> None:
    option = make_environment(tmp_path / "option")
    active = make_environment(tmp_path / "active")
    setting = make_environment(tmp_path / "setting")
    everything = {"VIRTUAL_ENV": str(tmp_path / "active"), SETTING: str(setting)}
    assert python_of(app_in(tmp_path)) == "/host/python"
    assert python_of(app_in(tmp_path, **{SETTING: str(setting)})) == str(setting)
    own = make_environment(tmp_path / ".venv")
    assert python_of(app_in(tmp_path, **{SETTING: str(setting)})) == str(own)
    assert python_of(app_in(tmp_path, **everything)) == str(active)
    assert python_of(app_in(tmp_path, **everything), str(option)) == str(option)


def test_an_active_environment_that_is_gone_does_not_count(tmp_path: Path) -> None:
    assert python_of(app_in(tmp_path, VIRTUAL_ENV=str(tmp_path / "gone"))) == "/host/python"


def test_a_name_is_looked_up_on_the_apps_path(tmp_path: Path) -> None:
    executable = make_environment(tmp_path / "somewhere")
    app = app_in(tmp_path, PATH=str(executable.parent))
    assert python_of(app, executable.name) == str(executable)


@pytest.mark.parametrize("language", ["python"])
def test_a_python_that_is_not_there_is_named(tmp_path: Path, language: str) -> None:
    with pytest.raises(StartError, match="that --python names does not exist: /no/python"):
        python_of(app_in(tmp_path, language), "/no/python")
    with pytest.raises(StartError, match=r"the setting languageWorkers:python:defaultExecutablePath names"):
        python_of(app_in(tmp_path, language, **{SETTING: "/no/python"}))


def test_arguments_of_a_debugger_stand_before_the_program(tmp_path: Path) -> None:
    app = app_in(tmp_path, languageWorkers__python__arguments="-m debugpy --listen 127.0.0.1:9091")
    made = command(app, None, sys.executable)
    assert made.arguments[1:-1] == ("-m", "debugpy", "--listen", "127.0.0.1:9091")
    assert made.is_exclusive
    assert not command(app_in(tmp_path), None, sys.executable).is_exclusive


def test_the_environment_is_the_settings_and_what_a_worker_is_told(tmp_path: Path) -> None:
    made = command(app_in(tmp_path, MINE="1", PYTHON_THREADPOOL_THREAD_COUNT="4"), None, sys.executable)
    folder = made.environment["FUNCTIONS_WORKER_DIRECTORY"]
    assert made.environment == {
        "MINE": "1",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "PYTHON_ENABLE_DEBUG_LOGGING": "1",
        "PYTHON_THREADPOOL_THREAD_COUNT": "4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_WORKER_DIRECTORY": folder,
        "FUNCTIONS_APPLICATION_DIRECTORY": str(tmp_path),
        "AzureWebJobsScriptRoot": str(tmp_path),
    }
    assert made.arguments[-1] == os.path.join(folder, "start.py")
    assert made.directory == tmp_path


def test_languages_that_are_not_served_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No worker for the language 'cobol'"):
        command(app_in(tmp_path, "cobol"), None, sys.executable)
