import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.app import Settings
from fnhost.host.load.app import load
from fnhost.host.load.localsettings import merge, read_local, setting_warnings


def write(root: Path, document: Any) -> None:
    (root / "local.settings.json").write_text(document if isinstance(document, str) else json.dumps(document))


def settings(root: Path, shell: Mapping[str, str]) -> Settings:
    return merge(shell, read_local(root))


def test_values_become_texts_of_the_environment(tmp_path: Path) -> None:
    values = {"TEXT": "a", "EMPTY": "", "ON": True, "OFF": False, "N": 7, "F": 1.5, "NULL": None, "": "x"}
    write(tmp_path, {"IsEncrypted": False, "values": values})
    merged = settings(tmp_path, {"HOME": "/h"})
    assert merged.environment == {
        "HOME": "/h",
        "TEXT": "a",
        "EMPTY": "",
        "ON": "True",
        "OFF": "False",
        "N": "7",
        "F": "1.5",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }
    assert list(setting_warnings(tmp_path, {}, read_local(tmp_path))) == [
        "Skipping 'NULL' because value is null",
        "Skipping local setting with empty key.",
    ]


def test_the_shell_wins_unless_it_is_empty(tmp_path: Path) -> None:
    write(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}})
    shell = {"A": "shell", "B": ""}
    merged = settings(tmp_path, shell)
    assert (merged.get("A"), merged.get("B")) == ("shell", "file")
    assert list(setting_warnings(tmp_path, shell, read_local(tmp_path))) == [
        "Skipping 'A' from local settings as it's already defined in current environment variables."
    ]


def test_connection_strings(tmp_path: Path) -> None:
    strings = {"Sql": "one", "Other": {"ConnectionString": "two", "ProviderName": "p"}}
    write(tmp_path, {"IsEncrypted": False, "ConnectionStrings": strings})
    merged = settings(tmp_path, {"ConnectionStrings:Shell": "three"})
    assert merged.connection_strings == {"Sql": "one", "Other": "two", "Shell": "three"}
    assert merged.environment["ConnectionStrings__Sql"] == "one"
    assert merged.connection("Other") == "two"


def test_the_host_section(tmp_path: Path) -> None:
    write(tmp_path, {"IsEncrypted": True, "Host": {"localhttpport": 7072, "CORS": "*"}})
    local = read_local(tmp_path)
    assert (local.host, local.problems) == ({"LocalHttpPort": 7072, "CORS": "*"}, ())


@pytest.mark.parametrize(
    ("document", "place", "message"),
    [
        ('{"Values": {}', "line 1 column 14", "Expecting ',' delimiter."),
        ({"IsEncrypted": False, "Values": {"A": "1", "Deep": {"a": 1}}}, "/Values/Deep", "A value is a text, a number"),
        ({"IsEncrypted": False, "values": {"List": []}}, "/values/List", "A value is a text, a number"),
        ({"IsEncrypted": False, "Host": {"LocalHttpPort": "x"}}, "/Host/LocalHttpPort", "'x' is not of type 'integer'"),
    ],
)
def test_one_bad_value_and_the_file_counts_as_empty(tmp_path: Path, document: Any, place: str, message: str) -> None:
    write(tmp_path, document)
    local = read_local(tmp_path)
    (problem,) = local.problems
    assert (problem.pointer, local.values) == (place, {})
    assert problem.message.startswith(f"Failed to read app settings file at '{tmp_path / 'local.settings.json'}'.")
    assert message in problem.message
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert load(tmp_path, {}).problems == (problem,)


@pytest.mark.parametrize(
    ("more", "reason"),
    [({}, "IsEncrypted is missing, which means true."), ({"IsEncrypted": True}, "IsEncrypted is true.")],
)
def test_encrypted_values_are_not_used(tmp_path: Path, more: Mapping[str, Any], reason: str) -> None:
    write(tmp_path, {**more, "Values": {"A": "secret"}})
    local = read_local(tmp_path)
    assert local.values == {}
    assert local.problems[0].message.endswith(reason)


def test_a_missing_file_is_remarked_upon(tmp_path: Path) -> None:
    (remark,) = setting_warnings(tmp_path, {}, read_local(tmp_path))
    assert str(tmp_path) in remark


@pytest.mark.parametrize(
    ("shell", "expected"), [({}, "Development"), ({"AZURE_FUNCTIONS_ENVIRONMENT": "Staging"}, "Staging")]
)
def test_the_environment_is_development_unless_the_shell_says_otherwise(
    tmp_path: Path, shell: Mapping[str, str], expected: str
) -> None:
    write(tmp_path, {"IsEncrypted": False, "Values": {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}})
    assert settings(tmp_path, shell).get("AZURE_FUNCTIONS_ENVIRONMENT") == expected
    assert len(list(setting_warnings(tmp_path, shell, read_local(tmp_path)))) == 1


def test_a_reserved_name_is_remarked_upon(tmp_path: Path) -> None:
    write(tmp_path, {"IsEncrypted": False, "Values": {"CONTAINER_NAME": "c"}})
    (remark,) = setting_warnings(tmp_path, {}, read_local(tmp_path))
    assert remark.startswith("'CONTAINER_NAME' in local.settings.json is a reserved name")
