"""`fnhost init` and `fnhost new`, the files they write: what is there stays, and what cannot be done is said."""

import ast
import json
import os
from pathlib import Path

import pytest

from fnhost.host.commands.scaffold.catalog import TEMPLATES, template_named, templates_of
from fnhost.host.commands.scaffold.files import template_files
from fnhost.host.commands.scaffold.init import InitOptions, init, package_name
from fnhost.host.commands.scaffold.models import (
    CUSTOM,
    MODELS,
    NODE_V3,
    NODE_V4,
    POWERSHELL,
    PYTHON_V1,
    PYTHON_V2,
    TYPESCRIPT_V4,
    Model,
    model_of,
)
from fnhost.host.commands.scaffold.new import NewOptions, new
from fnhost.host.commands.scaffold.python_source import with_function
from fnhost.host.errors import StartError
from fnhost.host.load.documents import read_object

ALL = [*(model for models in MODELS.values() for model in models.values()), TYPESCRIPT_V4]
APP = "import azure.functions as func\n\napp = func.FunctionApp()\n"
VALUES = {"name": "go", "authLevel": "function", "AUTHLEVEL": "FUNCTION", "app": "app"}
DURABLE = "import azure.durable_functions as df\n\n\n@app.activity_trigger(input_name='x')\ndef go(x):\n    return x\n"
PLAIN = "import logging\n\nimport azure.functions as func\n\n\n@app.route()\ndef go(req):\n    logging.info(func)\n"


def make(root: Path, model: Model, **options: object) -> Path:
    given = {"runtime": model.compiled or model.runtime, "version": model.version, "installs": False, **options}
    init(root, InitOptions(**given), {})  # type: ignore[arg-type]
    return root


def add(root: Path, model: Model, template: str = "http", name: str = "Go", **options: object) -> None:
    wanted = NewOptions(template=template, name=name, project=InitOptions(installs=False), **options)  # type: ignore[arg-type]
    new(root, wanted, {"FUNCTIONS_WORKER_RUNTIME": model.runtime})


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.folder)
def test_an_app_begins_with_the_files_of_its_model(tmp_path: Path, model: Model) -> None:
    make(tmp_path / "My App", model)
    root = tmp_path / "My App"
    written = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    kept = ("extensions", "settings", "tasks", *(() if model == CUSTOM else ("launch",)))
    editors = {f".vscode/{name}.json" for name in kept}
    assert {".gitignore", ".funcignore", "host.json", "local.settings.json", *editors} <= written
    own = {
        PYTHON_V1: {"requirements.txt", "getting_started.md"},
        PYTHON_V2: {"requirements.txt", "function_app.py"},
        NODE_V3: {"package.json"},
        NODE_V4: {"package.json"},
        TYPESCRIPT_V4: {"package.json", "tsconfig.json"},
        POWERSHELL: {"profile.ps1", "requirements.psd1"},
        CUSTOM: set(),
    }
    assert own[model] == {name for name in written if not name.startswith(".")} - {"host.json", "local.settings.json"}
    assert read_object(root / "host.json")["extensionBundle"]["version"] == "[4.*, 5.0.0)"
    assert read_object(root / "local.settings.json")["Values"]["FUNCTIONS_WORKER_RUNTIME"] == model.runtime
    task = read_object(root / ".vscode" / "tasks.json")["tasks"][0]
    assert (task["label"], task["command"]) == ("func: host start", "host start")
    if model != CUSTOM:  # nobody knows the debugger of its language
        assert read_object(root / ".vscode" / "launch.json")["configurations"][0]["preLaunchTask"] == task["label"]
    assert model_of(root, {}, None) == model


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.folder)
def test_every_template_is_complete(model: Model, tmp_path: Path) -> None:
    root = make(tmp_path, model)
    for template in templates_of(model):
        add(root, model, template.key, template.default_for(model))
    for path in tmp_path.rglob("*.py"):
        ast.parse(path.read_text("utf-8"))
    text = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file())
    assert "{{" not in text
    if packages := {"python": "requirements.txt", "node": "package.json"}.get(model.runtime):
        assert "durable" in (tmp_path / packages).read_text("utf-8")


def test_what_is_there_stays_unless_it_is_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "host.json").write_text("{}")
    make(tmp_path, PYTHON_V2)
    assert (tmp_path / "host.json").read_text() == "{}"
    assert "host.json already exists. Skipped!\n" in capsys.readouterr().out
    make(tmp_path, PYTHON_V2, force=True)
    assert "extensionBundle" in (tmp_path / "host.json").read_text()


def test_options_leave_parts_out(tmp_path: Path) -> None:
    make(tmp_path, PYTHON_V1, has_bundle=False, has_docs=False)
    assert "extensionBundle" not in read_object(tmp_path / "host.json")
    assert not (tmp_path / "getting_started.md").exists()


def test_a_virtual_environment_of_the_app_is_named_to_the_editor(tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.touch()
    make(tmp_path, PYTHON_V2)
    settings = read_object(tmp_path / ".vscode" / "settings.json")
    assert settings["azureFunctions.pythonVenv"] == ".venv"
    assert settings["azureFunctions.projectLanguageModel"] == 2
    assert read_object(tmp_path / ".vscode" / "tasks.json")["tasks"][0]["dependsOn"] == "pip install (functions)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"runtime": "dotnet"}, "There are no templates for 'dotnet' here"),
        ({"runtime": "python", "version": "V4"}, "The programming model V4 is none of python's. Use one of V1, V2."),
        ({"runtime": "node", "language": "python"}, "--worker-runtime node and --language python contradict"),
        (
            {"language": "typescript", "version": "V3"},
            "no templates in TypeScript for the programming model V3.",
        ),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is_written(
    tmp_path: Path, options: dict[str, str], said: str
) -> None:
    with pytest.raises(StartError, match=said):
        init(tmp_path / "app", InitOptions(**options), {})
    assert not (tmp_path / "app").exists()


def test_npm_installs_what_a_new_app_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@" > said\nexit 1\n')
    program.chmod(0o755)
    wanted = InitOptions(runtime="javascript")
    init(tmp_path / "app", wanted, {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"})
    assert (tmp_path / "app" / "said").read_text() == "install\n"
    assert "npm install failed: " in capsys.readouterr().err
    init(tmp_path / "other", wanted, {"PATH": "/nowhere"})
    assert "npm was not found." in capsys.readouterr().err


def test_names_of_packages_are_those_that_npm_accepts() -> None:
    assert package_name("My App") == "my-app"
    assert package_name("_hidden") == "-hidden"


@pytest.mark.parametrize("text", ["HTTP trigger", "httptrigger", "http", "Http Trigger"])
def test_templates_are_found_by_any_of_their_names(text: str) -> None:
    assert template_named(text, PYTHON_V1).title == "HTTP trigger"


def test_an_unknown_template_is_refused_with_a_near_one() -> None:
    assert template_named("Queue trigger", PYTHON_V2).key == "queue"
    with pytest.raises(StartError, match="Did you mean 'Timer trigger'"):
        template_named("Timmer trigger", NODE_V3)
    with pytest.raises(StartError, match="Known: HTTP trigger, Timer trigger"):
        template_named("Cosmos", NODE_V4)


def test_default_names_are_unlike_each_other() -> None:
    for model in ALL:
        names = [template.default_for(model) for template in TEMPLATES]
        assert len(set(names)) == len(names)


def test_an_older_library_of_types_does_not_make_a_v4_app(tmp_path: Path) -> None:
    make(tmp_path, NODE_V3)
    (tmp_path / "package.json").write_text('{"dependencies": {"@azure/functions": "^3.5.0"}}')
    assert model_of(tmp_path, {}, None) == NODE_V3
    with pytest.raises(StartError, match="worker runtime is node"):
        model_of(tmp_path, {}, "python")


def test_an_app_in_another_language_gets_no_function(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"FUNCTIONS_WORKER_RUNTIME": "dotnet"}}'
    )
    with pytest.raises(StartError, match="no templates for 'dotnet'"):
        model_of(tmp_path, {}, None)


@pytest.mark.parametrize("name", ["1st", "a b", "", "x" * 129, "a/b"])
def test_a_name_that_no_function_may_have_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path, PYTHON_V1)
    with pytest.raises(StartError, match="cannot be the name of a function"):
        add(tmp_path, PYTHON_V1, name=name or " ")


def test_names_in_python_code_are_those_of_python(tmp_path: Path) -> None:
    make(tmp_path, PYTHON_V2)
    for name in ("my-name", "class"):
        with pytest.raises(StartError, match="no keyword"):
            add(tmp_path, PYTHON_V2, name=name)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.folder)
def test_a_function_that_is_there_is_not_replaced(tmp_path: Path, model: Model) -> None:
    make(tmp_path, model)
    add(tmp_path, model)
    with pytest.raises(StartError, match="already"):
        add(tmp_path, model)
    if model != PYTHON_V2:
        add(tmp_path, model, "timer", force=True)


def test_a_blueprint_is_made_and_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, PYTHON_V2)
    add(tmp_path, PYTHON_V2, name="first", file="orders.py")
    assert "from orders import bp; app.register_functions(bp)" in capsys.readouterr().out
    add(tmp_path, PYTHON_V2, "activity", name="second", file="orders.py")
    text = (tmp_path / "orders.py").read_text("utf-8")
    assert "bp = df.Blueprint()" in text
    assert "@bp.route(" in text and "@bp.activity_trigger(" in text
    with pytest.raises(StartError, match="cannot hold functions"):
        add(tmp_path, PYTHON_V2, file="sub/orders.py")


def test_a_file_of_its_own_is_for_functions_in_code(tmp_path: Path) -> None:
    make(tmp_path / "js", NODE_V4)
    add(tmp_path / "js", NODE_V4, file="other.js")
    assert (tmp_path / "js" / "src" / "functions" / "other.js").exists()
    make(tmp_path / "py", PYTHON_V1)
    with pytest.raises(StartError, match="--file is for functions that are declared in code"):
        add(tmp_path / "py", PYTHON_V1, file="other.py")


def test_a_function_is_added_under_the_name_that_the_file_has_for_its_app() -> None:
    changed = with_function("f.py", APP, PLAIN, is_durable=False)
    assert changed == (
        "import azure.functions as func\nimport logging\n\napp = func.FunctionApp()\n\n\n"
        "@app.route()\ndef go(req):\n    logging.info(func)\n"
    )


def test_the_app_becomes_one_with_durable_functions() -> None:
    source = (
        "# é\nfrom azure.functions import FunctionApp, AuthLevel\napp: FunctionApp = FunctionApp(AuthLevel.ADMIN)\n"
    )
    changed = with_function("f.py", source, DURABLE, is_durable=True)
    assert "app: FunctionApp = df.DFApp(AuthLevel.ADMIN)" in changed
    assert changed.index("import azure.durable_functions as df") < changed.index("df.DFApp")
    again = with_function("f.py", changed, DURABLE.replace("go", "more"), is_durable=True)
    assert again.count("import azure.durable_functions as df") == 1
    ast.parse(again)


def test_lines_end_as_before() -> None:
    changed = with_function("f.py", APP.replace("\n", "\r\n"), PLAIN, is_durable=False)
    assert changed.count("\n") == changed.count("\r\n") > 5


def test_imports_stand_above_the_app_and_below_the_docstring() -> None:
    source = '"""About."""\napp = make()\n'.replace("make", "__import__('azure.functions').functions.FunctionApp")
    lines = with_function("f.py", source, DURABLE, is_durable=False).splitlines()
    assert lines[:2] == ['"""About."""', "import azure.durable_functions as df"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n", "f.py declares neither an app nor a blueprint"),
        ("app = (\n", "f.py line 1: .* Mend it first"),
        ("import azure.functions as func\napp = func.AsgiFunctionApp(None)\n", "which has no durable functions"),
    ],
)
def test_a_file_that_cannot_take_a_function_is_refused(source: str, said: str) -> None:
    with pytest.raises(StartError, match=said):
        with_function("f.py", source, DURABLE, is_durable=True)


def test_a_template_with_an_unknown_token_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.txt.template").write_text("{{nothing}}")
    with pytest.raises(KeyError):
        template_files(tmp_path, {})


def test_requirements_and_packages_are_added_once(tmp_path: Path) -> None:
    make(tmp_path / "py", PYTHON_V1)
    (tmp_path / "py" / "requirements.txt").write_bytes(b"azure-functions\r\nAzure_Functions.Durable>=1\r\n")
    add(tmp_path / "py", PYTHON_V1, "activity")
    assert (tmp_path / "py" / "requirements.txt").read_bytes().count(b"\n") == 2
    make(tmp_path / "js", NODE_V3)
    for name in ("A", "B"):
        add(tmp_path / "js", NODE_V3, "entity", name)
    package = json.loads((tmp_path / "js" / "package.json").read_text())
    assert package["dependencies"] == {"durable-functions": "^2.1.3"}
    (tmp_path / "js" / "package.json").write_text("[]")
    with pytest.raises(StartError, match="An object is expected"):
        add(tmp_path / "js", NODE_V3, "entity", "C")
