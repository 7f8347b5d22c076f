import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.app import HostConfig, Retry
from fnhost.host.load.hostjson import override, read_host


def config(root: Path, document: Any, environment: Mapping[str, str] | None = None) -> HostConfig:
    (root / "host.json").write_text(json.dumps(document))
    found, problems = read_host(root, environment or {})
    assert problems == ()
    return found


def refusals(root: Path, text: str) -> list[tuple[str, str]]:
    (root / "host.json").write_text(text)
    found, problems = read_host(root, {})
    assert found == HostConfig()
    return [(problem.pointer, problem.message) for problem in problems]


def test_everything_that_is_read(tmp_path: Path) -> None:
    document = {
        "version": "2.0",
        "FunctionTimeout": "00:05:00",
        "functions": ["A"],
        "watchDirectories": ["lib"],
        "watchFiles": ["app.json"],
        "retry": {"strategy": "fixeddelay", "maxRetryCount": 2, "delayInterval": "00:00:03"},
        "logging": {"LogLevel": {"default": "Warning", "Function.X": "Debug"}},
        "extensions": {"durableTask": {"hubName": "Hub"}, "http": {"routePrefix": ""}},
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "unknown": {"is": "kept"},
    }
    found = config(tmp_path, document)
    assert found == HostConfig(
        timeout=300.0,
        extensions={"durabletask": {"hubName": "Hub"}, "http": {"routePrefix": ""}},
        log_levels={"default": "Warning", "Function.X": "Debug"},
        watch_directories=("node_modules", "lib"),
        watch_files=("host.json", "function.json", "function.yaml", "function.yml", "app.json"),
        has_bundle=True,
        functions=("A",),
        retry=Retry(False, 2, 3.0, 3.0),
        raw=found.raw,
    )
    assert found.raw["unknown"] == {"is": "kept"}
    assert found.extension("DurableTask") == {"hubName": "Hub"}


@pytest.mark.parametrize("document", [{}, {"version": "2.0"}, {"version": "2.0", "functionTimeout": None}])
def test_the_defaults(tmp_path: Path, document: Any) -> None:
    found = config(tmp_path, document)
    assert (found.timeout, found.has_bundle, found.retry) == (1800, False, None)


@pytest.mark.parametrize("never", ["-1", -1])
def test_no_time_limit(tmp_path: Path, never: str | int) -> None:
    assert config(tmp_path, {"version": "2.0", "functionTimeout": never}).timeout is None


@pytest.mark.parametrize(
    ("text", "pointer", "message"),
    [
        ('{"a": 1}', "", "The host.json file is missing the required 'version' property."),
        ('{"Version": "1.0"}', "/Version", "'1.0' is an invalid value for host.json 'version' property."),
        ('{"version": 2.0}', "/version", "'2.0' is an invalid value for host.json 'version' property."),
        ('{"version": "2.0", "functionTimeout": "5m"}', "/functionTimeout", "'5m' is not a time span like 00:05:00."),
        ('{"version": "2.0", "functionTimeout": "00:00:00"}', "/functionTimeout", "'00:00:00' is less than a second."),
        ('{"version": "2.0", "Extensions": {"http": 1}}', "/Extensions/http", "1 is not of type 'object'"),
        ('{"version": "2.0", "retry": {"strategy": "x"}}', "/retry", "'maxRetryCount' is a required property"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, pointer: str, message: str) -> None:
    assert (pointer, message) in refusals(tmp_path, text)


def test_a_file_that_cannot_be_parsed(tmp_path: Path) -> None:
    ((place, message),) = refusals(tmp_path, '{\n  "version": "2.0"\n')
    assert place == "line 3 column 1"
    assert message.startswith(f"Unable to parse host configuration file '{tmp_path / 'host.json'}'.")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environment = {
        "AzureFunctionsJobHost__logging__logLevel__default": "Debug",
        "azurefunctionsjobhost__EXTENSIONS__durabletask__hubname": "Hub2",
        "AzureFunctionsJobHost__extensions__durableTask__storageProvider__partitionCount": "2",
        "AzureFunctionsJobHost__functions__0": "B",
        "AzureFunctionsJobHost__functions__1": "C",
        "AzureFunctionsJobHost__functionTimeout": "-1",
    }
    document = {"version": "2.0", "functions": ["A"], "extensions": {"durableTask": {"hubName": "Hub1", "other": 1}}}
    found = config(tmp_path, document, environment)
    assert found.log_levels == {"default": "Debug"}
    assert found.extension("durableTask") == {"hubName": "Hub2", "other": 1, "storageProvider": {"partitionCount": 2}}
    assert (found.functions, found.timeout) == (("B", "C"), None)


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("-1", -1), ("False", False), ("2.0", "2.0"), ("00:00:05", "00:00:05"), ("", "")]
)
def test_overrides_hold_what_the_file_would(text: str, value: object) -> None:
    assert override({}, {"AzureFunctionsJobHost__a": text}) == {"a": value}


def test_overrides_leave_the_document_as_it_was() -> None:
    document = {"a": {"b": [1, 2]}}
    assert override(document, {"AzureFunctionsJobHost__a__b__1": "true"}) == {"a": {"b": [1, True]}}
    assert document == {"a": {"b": [1, 2]}}
