"""Files of an app are bounded and read in any encoding that editors write; what nobody reads is noticed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.app import App
from fnhost.host.errors import AppError
from fnhost.host.load.app import load
from fnhost.host.load.documents import UnreadableFile, read_json, read_object, read_yaml
from fnhost.host.load.hostjson import override
from tests.support.hosts import http, write_app

HELLO = {"Hello/__init__.py": "def main(req): pass\n", "Hello/function.json": http()}
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize("text", [LAUGHS, MERGES, f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 300}]"])
def test_aliases_are_counted_with_all_that_they_stand_for(text: str) -> None:
    with pytest.raises(UnreadableFile, match="The file says too much"):
        read_yaml(text)


@pytest.mark.parametrize("text", ["a: &x [*x]", "[" * 70 + "]" * 70])
def test_depth_is_bounded_in_yaml(text: str) -> None:
    with pytest.raises(UnreadableFile, match="64 levels inside each other"):
        read_yaml(text)


@pytest.mark.parametrize("depth", [70, 100_000])
def test_depth_is_bounded_in_json(depth: int) -> None:
    with pytest.raises(UnreadableFile):
        read_json("[" * depth + "]" * depth)


def test_the_depth_that_the_platform_reads() -> None:
    assert read_json('{"a":' * 64 + "1" + "}" * 64)


@pytest.mark.parametrize("text", ['"' + '\\"' * 100_000, "/*" * 100_000, "[" + "," * 100_000 + "]"])
def test_a_broken_file_is_read_in_linear_time(text: str) -> None:
    with pytest.raises(UnreadableFile):
        read_json(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_with_their_mark(encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    (tmp_path / "host.json").write_bytes((mark + '{"version": "2.0", "é": "☃"}').encode(encoding))
    assert read_object(tmp_path / "host.json") == {"version": "2.0", "é": "☃"}


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{" + " " * 4_000_001 + "}")
    with pytest.raises(UnreadableFile, match="larger than 4000000 bytes"):
        read_object(tmp_path / "host.json")


def app(root: Path, files: Mapping[str, str], environment: Mapping[str, str] | None = None) -> App:
    return load(write_app(root, {**HELLO, **files}), environment or {})


def host_json(**members: Any) -> Mapping[str, str]:
    return {"host.json": json.dumps({"version": "2.0", **members})}


@pytest.mark.parametrize(
    ("members", "warning"),
    [
        (
            {"functionTimout": "00:01:00"},
            "/functionTimout is not known and has no effect. Did you mean 'functionTimeout'?",
        ),
        ({"logging": {"loglevels": {}}}, "/logging/loglevels is not known and has no effect. Did you mean 'logLevel'?"),
        ({"extensions": {"htp": {}}}, "/extensions/htp is not known and has no effect. Did you mean 'http'?"),
        (
            {"extensions": {"durableTask": {"hubname": "Hub", "maxConcurrentActivityFunction": 1}}},
            "/extensions/durableTask/maxConcurrentActivityFunction is not known and has no effect. "
            "Did you mean 'maxConcurrentActivityFunctions'?",
        ),
        (
            {"extensions": {"durableTask": {"storageProvider": {"typ": "sqlite"}}}},
            "/extensions/durableTask/storageProvider/typ is not known and has no effect. Did you mean 'type'?",
        ),
        ({"extensions": {"queues": {"zzz": 1}}}, "/extensions/queues/zzz is not known and has no effect."),
        ({"http": {}}, "/http has no effect: since version 2.0 it stands in extensions.http."),
    ],
)
def test_keys_that_nobody_reads(members: Mapping[str, Any], warning: str, tmp_path: Path) -> None:
    assert f"host.json#{warning}" in app(tmp_path, host_json(**members)).warnings


@pytest.mark.parametrize(
    ("members", "warning"),
    [
        (
            {"extensions": {"http": {"hsts": {"isEnabled": True}}}},
            "/extensions/http/hsts/isEnabled has no effect here. In Azure responses carry Strict-Transport-Security.",
        ),
        (
            {"extensions": {"durableTask": {"VersionFailureStrategy": "Fail"}}},
            "/extensions/durableTask/VersionFailureStrategy has no effect here. "
            "In Azure an instance of a version that does not match fails.",
        ),
        (
            {"extensions": {"durableTask": {"storageProvider": {"fetchLargeMessagesAutomatically": "false"}}}},
            "/extensions/durableTask/storageProvider/fetchLargeMessagesAutomatically has no effect here. "
            "In Azure a status shows the addresses of large values, not the values.",
        ),
    ],
)
def test_settings_that_azure_alone_honours(members: Mapping[str, Any], warning: str, tmp_path: Path) -> None:
    assert f"host.json#{warning}" in app(tmp_path, host_json(**members)).warnings


@pytest.mark.parametrize(
    "members",
    [
        {"extensions": {"http": {"hsts": {"isEnabled": "False"}, "dynamicThrottlesEnabled": False}}},
        {"extensions": {"durableTask": {"versionMatchStrategy": "currentOrOlder", "versionFailureStrategy": ""}}},
        {
            "telemetryMode": "OpenTelemetry",
            "logging": {"applicationInsights": {"samplingSettings": {"isEnabled": True}}},
        },
    ],
)
def test_what_is_azures_default_needs_no_warning(members: Mapping[str, Any], tmp_path: Path) -> None:
    assert not [text for text in app(tmp_path, host_json(**members)).warnings if "has no effect here" in text]


def test_known_keys_in_any_case_are_quiet(tmp_path: Path) -> None:
    files = host_json(
        Logging={"LogLevel": {"Any.Category": "Debug"}, "applicationInsights": {"anything": 1}},
        extensions={"cosmosDB": {"anything": 1}, "DurableTask": {"storageProvider": {"type": "mssql", "any": 1}}},
        singleton={"lockPeriod": "00:00:15"},
    )
    assert not [text for text in app(tmp_path, files).warnings if "host.json#" in text]


def test_near_misses_in_a_function_that_is_served(tmp_path: Path) -> None:
    document = json.loads(http(methods=["pots", "MKCOL"], authLevl="function"))
    warnings = app(tmp_path, {"Hello/function.json": json.dumps({**document, "entrypoint": "go"})}).warnings
    assert "Hello/function.json: 'entrypoint' is not known. Did you mean 'entryPoint'?" in warnings
    assert "Hello/function.json#/bindings/0: 'authLevl' is not known. Did you mean 'authLevel'?" in warnings
    assert "Hello/function.json#/bindings/0: 'pots' is not a usual HTTP method. Did you mean 'POST'?" in warnings
    assert not [text for text in warnings if "MKCOL" in text]


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ({"type": "httpTriger", "name": "req"}, "Did you mean 'httpTrigger'?"),
        ({"type": "queueTrigger", "name": "it", "queueNme": "q"}, "'queueNme' is not known. Did you mean 'queueName'?"),
        ({"type": "httpTrigger", "name": "req", "authLevel": "anonymus"}, "Did you mean 'anonymous'?"),
        ({"type": "httpTrigger", "name": "req", "direction": "inn"}, "Did you mean 'in'?"),
    ],
)
def test_near_misses_in_a_function_that_is_refused(entry: Mapping[str, Any], hint: str, tmp_path: Path) -> None:
    files = {"Bad/__init__.py": "", "Bad/function.json": json.dumps({"bindings": [entry]})}
    problems = app(tmp_path, files, {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}).problems
    assert hint in [problem.hint for problem in problems]


def test_names_on_the_allow_list(tmp_path: Path) -> None:
    root = write_app(tmp_path, HELLO)
    assert "There is no function 'Helo' to serve. Did you mean 'Hello'?" in load(root, {}, ["Helo"]).warnings


def test_both_separators_are_one_in_every_source(tmp_path: Path) -> None:
    values = {"IsEncrypted": False, "Values": {"A:B": "file", "AzureFunctionsJobHost:extensions:http:routePrefix": "x"}}
    read = app(tmp_path, {"local.settings.json": json.dumps(values)}, {"A__B": "shell"})
    assert read.settings.get("A:B") == read.settings.get("a__b") == "shell"
    assert "A:B" not in read.settings.environment
    assert read.config.extension("http") == {"routePrefix": "x"}
    assert override({}, {"AzureFunctionsJobHost:functions:0": "A"}) == {"functions": ["A"]}


@pytest.mark.parametrize("name, value", [("BAD", "\ud800"), ("BAD", "a\0b"), ("B\udcffD", "x"), ("B=D", "x")])
def test_a_setting_that_cannot_be_an_environment_variable_is_left_out(name: str, value: str, tmp_path: Path) -> None:
    values = {"IsEncrypted": False, "Values": {name: value, "GOOD": "1"}}
    read = app(tmp_path, {"local.settings.json": json.dumps(values)})
    assert read.settings.get("GOOD") == "1"
    assert read.settings.get(name) is None
    (problem,) = read.problems
    assert problem.file == "local.settings.json"
    assert "left out" in problem.hint


def test_a_package_called_env_is_app_code(tmp_path: Path) -> None:
    read = app(tmp_path, {"env/__init__.py": "def main(req): pass\n", "env/function.json": http()})
    assert [function.name for function in read.functions] == ["env", "Hello"]


def test_a_virtual_environment_holds_no_functions(tmp_path: Path) -> None:
    read = app(tmp_path, {"env/pyvenv.cfg": "", "env/function.json": "{", "env/__init__.py": ""})
    assert [function.name for function in read.functions] == ["Hello"]
    assert read.problems == ()


def test_a_folder_with_a_control_character_is_a_problem_that_can_be_printed(tmp_path: Path) -> None:
    read = app(tmp_path, {"Be\x1b[2Jll/__init__.py": "", "Be\x1b[2Jll/function.json": http()})
    (problem,) = read.problems
    assert str(problem).isprintable()


def test_host_json_is_refused_as_a_whole_when_it_expands_too_far(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="64 levels"):
        app(tmp_path, {"host.json": '{"version": "2.0", "a": ' + "[" * 80 + "]" * 80 + "}"})
