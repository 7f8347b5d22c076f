"""Which Python runs a worker, and what its environment says."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.commands import command
from fnhost.host.worker.toolchains import TOOLCHAINS, foreign_package_folders, likely_toolchain, script_suffixes
from fnhost.host.worker.toolchains.python import EXECUTABLE, sdk_packages

SETTING = "languageWorkers__python__defaultExecutablePath"


def app_in(root: Path, language: str = "python", **environment: str) -> App:
    return App(root, language, (), Settings(environment), HostConfig())


def make_environment(folder: Path) -> Path:
    executable = folder / EXECUTABLE
    executable.parent.mkdir(parents=True)
    executable.touch(0o755)
    return executable


def python_of(app: App, option: str | None = None) -> str:
    return command(app, {"python": option} if option else {}).arguments[0]


def test_the_nearest_python_wins(tmp_path: Path) -> None:
    option = make_environment(tmp_path / "option")
    active = make_environment(tmp_path / "active")
    setting = make_environment(tmp_path / "setting")
    everything = {"VIRTUAL_ENV": str(tmp_path / "active"), SETTING: str(setting)}
    assert python_of(app_in(tmp_path)) == sys.executable
    assert python_of(app_in(tmp_path, **{SETTING: str(setting)})) == str(setting)
    own = make_environment(tmp_path / ".venv")
    assert python_of(app_in(tmp_path, **{SETTING: str(setting)})) == str(own)
    assert python_of(app_in(tmp_path, **everything)) == str(active)
    assert python_of(app_in(tmp_path, **everything), str(option)) == str(option)


def test_an_active_environment_that_is_gone_does_not_count(tmp_path: Path) -> None:
    assert python_of(app_in(tmp_path, VIRTUAL_ENV=str(tmp_path / "gone"))) == sys.executable


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
    made = command(app)
    assert made.arguments[1:-1] == ("-m", "debugpy", "--listen", "127.0.0.1:9091")
    assert made.is_exclusive
    assert not command(app_in(tmp_path)).is_exclusive


def test_the_environment_is_the_settings_and_what_a_worker_is_told(tmp_path: Path) -> None:
    made = command(app_in(tmp_path, MINE="1", PYTHON_THREADPOOL_THREAD_COUNT="4"))
    folder = made.environment["FUNCTIONS_WORKER_DIRECTORY"]
    assert made.environment == {
        "MINE": "1",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "PYTHON_ENABLE_DEBUG_LOGGING": "1",
        "PYTHON_THREADPOOL_THREAD_COUNT": "4",
        **sdk_packages(),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_WORKER_DIRECTORY": folder,
        "FUNCTIONS_APPLICATION_DIRECTORY": str(tmp_path),
        "AzureWebJobsScriptRoot": str(tmp_path),
    }
    assert made.arguments[-1] == os.path.join(folder, "start.py")
    assert made.directory == tmp_path


def test_languages_that_are_not_served_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No worker for the language 'cobol'"):
        command(app_in(tmp_path, "cobol"))


def test_the_source_of_the_interpreter_is_told(tmp_path: Path) -> None:
    assert command(app_in(tmp_path)).source == "the Python that runs fnhost"
    make_environment(tmp_path / ".venv")
    assert command(app_in(tmp_path)).source == "the app's .venv"


def test_what_an_app_will_need_is_guessed_from_its_settings_and_files(tmp_path: Path) -> None:
    assert likely_toolchain(Settings({}), tmp_path) is TOOLCHAINS["python"]
    assert likely_toolchain(Settings({"FUNCTIONS_WORKER_RUNTIME": "Node"}), tmp_path) is TOOLCHAINS["node"]
    (tmp_path / "package.json").touch()
    assert likely_toolchain(Settings({}), tmp_path) is TOOLCHAINS["node"]
    assert likely_toolchain(Settings({"FUNCTIONS_WORKER_RUNTIME": "python"}), tmp_path) is TOOLCHAINS["python"]
    (tmp_path / "requirements.txt").touch()
    assert likely_toolchain(Settings({}), tmp_path) is TOOLCHAINS["python"]


def test_a_language_says_which_files_matter() -> None:
    assert script_suffixes(("python",)) == (".py",)
    assert script_suffixes(()) == (".py", ".js", ".mjs", ".cjs")
    assert foreign_package_folders(("python",)) == {"node_modules"}
    assert foreign_package_folders(("python", "node")) == frozenset()


@pytest.mark.parametrize(
    ("settings", "warnings"),
    [
        ({"PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1"}, ["The setting PYTHON_ISOLATE_WORKER_DEPENDENCIES has no effect"]),
        ({"PYTHON_ISOLATE_WORKER_DEPENDENCIES": " False "}, []),
        ({"PYTHON_ENABLE_INIT_INDEXING": "true"}, ["The setting PYTHON_ENABLE_INIT_INDEXING has no effect"]),
        ({"PYTHON_ROLLBACK_CWD_PATH": "1"}, ["The setting PYTHON_ROLLBACK_CWD_PATH has no effect"]),
        ({"FUNCTIONS_WORKER_SHARED_MEMORY_DATA_TRANSFER_ENABLED": "1"}, ["over a socket, whatever their size"]),
        ({"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"}, ["no telemetry is sent to Application Insights"]),
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "many"}, ["from 1 on; 1000 is used."]),
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "0"}, ["from 1 on; 1000 is used."]),
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "4", "PYTHON_ENABLE_DEBUG_LOGGING": "1"}, []),
        ({"PYTHON_ENABLE_WORKER_EXTENSIONS": "1", "PYTHON_ENABLE_OPENTELEMETRY": "1"}, []),
        ({"PYTHON_SCRIPT_FILE_NAME": "app/main.py"}, ["without a folder: it is ignored"]),
        ({"PYTHON_SCRIPT_FILE_NAME": "lost.py"}, ["names lost.py, which the app does not have"]),
        ({"PYTHON_SCRIPT_FILE_NAME": "here.py"}, []),
    ],
)
def test_settings_of_the_platforms_worker_without_effect_are_named(
    tmp_path: Path, settings: Mapping[str, str], warnings: Sequence[str]
) -> None:
    (tmp_path / "here.py").touch()
    said = list(TOOLCHAINS["python"].setting_warnings(tmp_path, Settings(settings)))
    assert len(said) == len(warnings)
    assert all(wanted in sentence for wanted, sentence in zip(warnings, said, strict=True))


def test_a_worker_is_told_where_the_hosts_own_sdk_lies() -> None:
    (folder,) = sdk_packages().values()
    assert (Path(folder) / "azure" / "functions" / "__init__.py").is_file()
