"""Which Python runs a worker, and what its environment says."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.commands import Command, command
from fnhost.host.worker.toolchains import TOOLCHAINS, foreign_package_folders, likely_toolchain, script_suffixes
from fnhost.host.worker.toolchains.debugger import DebugAddress, inspector
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


def command_with(root: Path, arguments: str) -> Command:
    return command(app_in(root, languageWorkers__python__arguments=arguments))


def test_arguments_that_ask_for_debugpy_are_the_hosts_to_grant(tmp_path: Path) -> None:
    made = command_with(tmp_path, "-Xfrozen_modules=off -m debugpy --listen 9091")
    assert (made.debug, made.is_exclusive) == (DebugAddress("127.0.0.1", 9091), False)
    assert made.arguments[1:-1] == ("-Xfrozen_modules=off",)
    assert made.environment["FNHOST_DEBUGGER"] == "debugpy"
    waiting = command_with(tmp_path, "-m debugpy --wait-for-client --listen [::1]:0")
    assert waiting.debug == DebugAddress("::1", 0, waits=True)
    assert str(waiting.debug) == "[::1]:0"
    assert command(app_in(tmp_path)).debug is None


def test_an_editor_may_bring_its_own_debugpy(tmp_path: Path) -> None:
    made = command_with(tmp_path, '"/an editor/libs/debugpy" --listen 127.0.0.1:9091')
    assert made.debug == DebugAddress("127.0.0.1", 9091, package="/an editor/libs/debugpy")
    assert (made.environment["FNHOST_DEBUGGER"], len(made.arguments)) == ("/an editor/libs/debugpy", 2)


@pytest.mark.parametrize(
    "arguments",
    ["-X utf8", "-m debugpy --connect 9091", "-m debugpy --listen here", "-m debugpy --log-to x --listen 1", "-m pdb"],
)
def test_other_arguments_stand_before_the_program_of_one_worker_at_a_time(tmp_path: Path, arguments: str) -> None:
    made = command_with(tmp_path, arguments)
    assert made.arguments[1:-1] == tuple(arguments.split())
    assert (made.debug, made.is_exclusive) == (None, True)
    assert "FNHOST_DEBUGGER" not in made.environment


def test_arguments_are_split_as_a_shell_does(tmp_path: Path) -> None:
    made = command_with(tmp_path, """-X 'importtime' -W "ignore::UserWarning: a b" -X#1""")
    assert made.arguments[1:-1] == ("-X", "importtime", "-W", "ignore::UserWarning: a b", "-X#1")
    with pytest.raises(
        StartError, match="languageWorkers:python:arguments cannot be split into arguments: No closing quotation"
    ):
        command_with(tmp_path, "-X 'utf8")


@pytest.mark.parametrize(
    ("arguments", "debug", "others"),
    [
        ("--inspect", DebugAddress("127.0.0.1", 9229), ()),
        ("--inspect=0 --no-warnings", DebugAddress("127.0.0.1", 0), ("--no-warnings",)),
        ("--inspect-brk=0.0.0.0:9300", DebugAddress("0.0.0.0", 9300, waits=True), ()),
        ("--inspect=box", DebugAddress("box", 9229), ()),
        ("--inspect=70000", None, ("--inspect=70000",)),
        ("--inspect-port=1", None, ("--inspect-port=1",)),
    ],
)
def test_arguments_that_ask_for_the_inspector(
    arguments: str, debug: DebugAddress | None, others: Sequence[str]
) -> None:
    found, rest = inspector(arguments.split())
    assert (found, tuple(rest)) == (debug, others)


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
    assert script_suffixes(()) == (".py", ".js", ".mjs", ".cjs", ".jar", ".ps1", ".psm1", ".dll")
    assert script_suffixes(("java",)) == (".jar",)
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
