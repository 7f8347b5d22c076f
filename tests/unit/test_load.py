"""Whole apps, from files to App."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fnhost.bindings.contract import Binding
from fnhost.host.app import App, Function, Retry
from fnhost.host.errors import AppError, Problem, StartError
from fnhost.host.load.app import load
from fnhost.host.load.documents import UnreadableFile, read_json
from fnhost.host.load.root import find_root

HTTP = [{"type": "httpTrigger", "name": "req"}, {"type": "http", "direction": "out", "name": "$return"}]
NO_SETTINGS: Mapping[str, str] = {}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "host.json", {"version": "2.0"})
    write(tmp_path / "local.settings.json", {"IsEncrypted": False, "Values": {}})
    return tmp_path


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def add(root: Path, place: str, bindings: Any = HTTP, script: str = "__init__.py", **more: Any) -> None:
    write(root / place / "function.json", {"bindings": bindings, **more})
    write(root / place / script, "")


def trigger(type: str, **properties: Any) -> list[dict[str, Any]]:
    return [{"type": type, "name": "it", **properties}]


def only(app: App) -> Function:
    assert app.problems == ()
    (function,) = app.functions
    return function


def names(app: App) -> list[str]:
    return [function.name for function in app.functions]


def told(app: App) -> list[tuple[str, str, str]]:
    return [(problem.file, problem.pointer, problem.message) for problem in app.problems]


def refusal(root: Path, environment: Mapping[str, str] = NO_SETTINGS) -> tuple[Problem, ...]:
    with pytest.raises(AppError) as caught:
        load(root, environment)
    return caught.value.problems


def test_a_function_is_read_as_it_stands(root: Path) -> None:
    bindings = [
        {
            "TYPE": "HttpTrigger",
            "Name": "req",
            "AuthLevel": "ANONYMOUS",
            "Route": "items/%VERSION%",
            "methods": ["get"],
        },
        {"type": "queue", "direction": "OUT", "name": "out", "queueName": "%Q%", "connection": "%Q%", "extra": 1},
        {"type": "orchestrationClient", "name": "starter", "dataType": "String", "taskhub": None},
    ]
    add(root, "Hello", bindings)
    function = only(load(root, {"VERSION": "v1", "Q": "orders"}))
    assert function == Function(
        name="Hello",
        directory=root / "Hello",
        script=root / "Hello" / "__init__.py",
        entry_point="main",
        language="python",
        bindings=(
            Binding(
                "req", "httptrigger", "in", None, {"authLevel": "anonymous", "route": "items/v1", "methods": ["get"]}
            ),
            Binding("out", "queue", "out", None, {"queueName": "orders", "connection": "%Q%", "extra": 1}),
            Binding("starter", "durableclient", "in", "string", {}),
        ),
        config={"bindings": bindings},
    )


def test_functions_are_children_of_the_app_and_of_its_functions_folder(root: Path) -> None:
    for place in ("b", "functions/A_1", "C", "functions/a2"):
        add(root, place)
    add(root, "shared/deep")
    (root / "empty").mkdir()
    assert names(load(root, {})) == ["a2", "A_1", "b", "C"]


def test_a_functions_folder_that_is_an_app_itself_is_left_alone(root: Path) -> None:
    write(root / "functions" / "host.json", {"version": "2.0"})
    add(root, "functions/Other")
    app = load(root, {})
    assert app.functions == ()
    assert any(warning.startswith("No job functions found.") for warning in app.warnings)


def test_a_function_may_be_written_in_yaml(root: Path) -> None:
    write(
        root / "Y" / "function.yaml", "bindings:\n- {type: httpTrigger, name: req, methods: [get]}\nscriptFile: ../y.js"
    )
    write(root / "y.js", "")
    function = only(load(root, {}))
    assert (function.script, function.language, function.entry_point) == (root / "y.js", "node", "")
    assert function.config["bindings"][0]["methods"] == ["get"]


def test_comments_last_commas_and_a_byte_order_mark_are_tolerated(root: Path) -> None:
    route = '{"type": "httpTrigger", "name": "req", "route": "a//b/*c*/,]",}'
    text = f'\ufeff{{ // one\n "bindings": /* "two" */ [{route}, // the last\n ], \n}}'
    write(root / "F" / "function.json", text)
    write(root / "F" / "index.mjs", "")
    assert only(load(root, {})).trigger.properties == {"route": "a//b/*c*/,]"}


@pytest.mark.parametrize("text", ["[,]", "{ ,}", "[1,,]", '{"a":,}'])
def test_commas_that_follow_nothing_are_not(text: str) -> None:
    with pytest.raises(UnreadableFile):
        read_json(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["only.py"], "only.py"),
        (["other.py", "Run.py", "sample.dat"], "Run.py"),
        (["a.js", "index.cjs"], "index.cjs"),
        (["helper.py", "__init__.py"], "__init__.py"),
    ],
)
def test_the_script_of_a_function_that_names_none(root: Path, files: list[str], expected: str) -> None:
    write(root / "F" / "function.yml", json.dumps({"bindings": HTTP}))
    for file in files:
        write(root / "F" / file, "")
    assert only(load(root, {})).script.name == expected


@pytest.mark.parametrize(
    ("name", "value", "disabled"),
    [
        ("AzureWebJobs.F.Disabled", "true", True),
        ("AzureWebJobs_F_Disabled", "1", True),
        ("AzureWebJobs_f_DISABLED", "True", True),
        ("AzureWebJobs.F.Disabled", "0", False),
        ("AzureWebJobs.G.Disabled", "1", False),
    ],
)
def test_functions_are_disabled_by_settings(root: Path, name: str, value: str, disabled: bool) -> None:
    add(root, "F")
    assert only(load(root, {name: value})).disabled is disabled


def test_disabled_in_the_file_does_nothing_and_that_is_said(root: Path) -> None:
    add(root, "F", disabled=True)
    app = load(root, {})
    assert not only(app).disabled
    (warning,) = app.warnings
    assert warning.startswith("'disabled' in F/function.json does nothing: set AzureWebJobs.F.Disabled to true")


def test_a_retry_policy_of_its_own_wins(root: Path) -> None:
    shared = {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:05"}
    own = {"Strategy": "ExponentialBackoff", "maxRetryCount": -1}
    own |= {"minimumInterval": "00:00:01", "maximumInterval": "00:01:00"}
    write(root / "host.json", {"version": "2.0", "retry": shared})
    add(root, "A")
    add(root, "B", retry=own)
    app = load(root, {})
    assert [function.retry for function in app.functions] == [Retry(False, 3, 5, 5), Retry(True, -1, 1, 60)]


def test_the_allow_list(root: Path) -> None:
    for place in ("A", "B", "C"):
        add(root, place)
    write(root / "D" / "function.json", "{")
    write(root / "host.json", {"version": "2.0", "functions": ["a", "C"]})
    listed = load(root, {})
    assert (names(listed), listed.problems) == (["A", "C"], ())
    message = "A function allow list has been specified, excluding all but the following functions: "
    assert listed.warnings == (f"{message}[a, C]",)
    asked = load(root, {}, ["B"])
    assert (names(asked), asked.warnings) == (["B"], (f"{message}[B]",))


BINDING_PROBLEMS: list[tuple[Any, str, str]] = [
    (None, "/bindings", "At least one binding must be declared."),
    ([], "/bindings", "At least one binding must be declared."),
    ({}, "/bindings", "At least one binding must be declared."),
    ([*HTTP, 5], "/bindings/2", "A binding must be an object."),
    ([*HTTP, {"name": "x"}], "/bindings/2", "Binding 'x' is invalid. Bindings must specify a Type."),
    ([*HTTP, {"name": "x", "type": 1}], "/bindings/2/type", "1 is not of type 'string'"),
    (
        [*HTTP, {"name": "x", "type": "blob", "path": "a/b", "Direction": "up"}],
        "/bindings/2/Direction",
        "'up' is not a valid binding direction.",
    ),
    (
        trigger("httpTrigger", dataType="xml"),
        "/bindings/0/dataType",
        "'xml' is not one of ['string', 'binary', 'stream', 'undefined']",
    ),
    (
        [{"type": "httpTrigger", "name": "my_req"}],
        "/bindings/0/name",
        "The binding name my_req is invalid. Please assign a valid name to the binding.",
    ),
    (HTTP[1:], "/bindings", "No trigger binding specified."),
    (
        trigger("queueTrigger", queueName="a_b"),
        "/bindings/0/queueName",
        "Unable to configure binding 'it' of type 'queueTrigger'. 'a_b' is no name of a queue.",
    ),
    (
        [*HTTP, {"type": "queue", "name": "out", "direction": "out", "queueName": "a--b"}],
        "/bindings/2/queueName",
        "Unable to configure binding 'out' of type 'queue'. 'a--b' is no name of a queue.",
    ),
    ([HTTP[0], *trigger("queueTrigger", queueName="work")], "/bindings/1", "Multiple trigger bindings defined."),
    (
        [*HTTP, {"type": "blob", "name": "REQ", "path": "a/b"}],
        "/bindings/2/name",
        "Multiple bindings with name 'REQ' discovered.",
    ),
    (
        [HTTP[0], {"type": "blob", "name": "$return", "direction": "inout", "path": "a/b"}],
        "/bindings/1/direction",
        "$return bindings must specify a direction of 'out'.",
    ),
    (
        [HTTP[0], {"type": "http", "name": "$return"}],
        "/bindings/1",
        "$return bindings must specify a direction of 'out'.",
    ),
    ([HTTP[0], {"type": "http", "name": "res"}], "/bindings/1", "Http binding can only be used for output."),
    (trigger("eventTrigger"), "/bindings/0/type", "The binding type(s) 'eventTrigger' are not registered."),
    (
        trigger("queueTrigger", QueueName=7),
        "/bindings/0/QueueName",
        "Unable to configure binding 'it' of type 'queueTrigger'. 7 is not of type 'string'",
    ),
    (
        trigger("timerTrigger"),
        "/bindings/0",
        "Unable to configure binding 'it' of type 'timerTrigger'. 'schedule' is a required property",
    ),
    (
        trigger("timerTrigger", schedule="%WHEN%"),
        "/bindings/0/schedule",
        "'%WHEN%' does not resolve to a value.",
    ),
    (
        trigger("httpTrigger", route="/Admin/x"),
        "/bindings/0",
        "The specified route conflicts with one or more built in routes.",
    ),
]


@pytest.mark.parametrize(("bindings", "pointer", "message"), BINDING_PROBLEMS)
def test_a_problem_of_a_binding_is_pointed_at_and_others_serve(
    root: Path, bindings: Any, pointer: str, message: str
) -> None:
    add(root, "Broken", bindings)
    add(root, "Sound")
    app = load(root, {})
    assert names(app) == ["Sound"]
    assert told(app) == [("Broken/function.json", pointer, message)]
    assert app.problems[0].function == "Broken"


def test_an_unknown_type_where_a_bundle_is_configured(root: Path) -> None:
    write(root / "host.json", {"version": "2.0", "extensionBundle": {"id": "B", "version": "[4.*, 5.0.0)"}})
    add(root, "F", trigger("eventTrigger"))
    message = "The binding type(s) 'eventTrigger' were not found in the configured extension bundle."
    assert told(load(root, {})) == [("F/function.json", "/bindings/0/type", message)]


FUNCTION_PROBLEMS: list[tuple[Mapping[str, Any], str, str]] = [
    ({"scriptFile": 1}, "/scriptFile", "'scriptFile' must be a string."),
    ({"entryPoint": []}, "/entryPoint", "'entryPoint' must be a string."),
    (
        {"configurationSource": "magic"},
        "/configurationSource",
        "Illegal value 'magic' for 'configurationSource' property in F.",
    ),
    ({"retry": {}}, "/retry", "'strategy' is a required property"),
    (
        {"retry": {"strategy": "fixedDelay", "maxRetryCount": 1}},
        "/retry",
        "'delayInterval' is a required property",
    ),
    (
        {"retry": {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "soon"}},
        "/retry/delayInterval",
        "'soon' is not a time span like 00:05:00.",
    ),
    ({"scriptFile": "run.csx"}, "/scriptFile", "The language of 'run.csx' is not known."),
]


@pytest.mark.parametrize(("more", "pointer", "message"), FUNCTION_PROBLEMS)
def test_a_problem_of_a_function_is_pointed_at(root: Path, more: Mapping[str, Any], pointer: str, message: str) -> None:
    add(root, "F", script="run.csx", **{"scriptFile": "f.py", **more})
    write(root / "F" / "f.py", "")
    assert ("F/function.json", pointer, message) in told(load(root, {}))


@pytest.mark.parametrize("name", ["f.py", "F.PY", "missing.py"])
def test_a_script_is_looked_up_in_its_exact_case(root: Path, name: str) -> None:
    add(root, "F", script="f.py", scriptFile=name)
    messages = [problem.message for problem in load(root, {}).problems]
    lost = "Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist"
    assert messages == ([] if name == "f.py" else [f"{lost}: '{root / 'F' / name}'."])


def test_a_folder_with_no_script_to_choose(root: Path) -> None:
    write(root / "F" / "function.json", {"bindings": HTTP})
    assert told(load(root, {})) == [("F/function.json", "", "Unable to determine the primary function script.")]


@pytest.mark.parametrize("name", ["1st", "a b", "Host", "x" * 129])
def test_names_that_no_function_may_have(root: Path, name: str) -> None:
    add(root, name)
    assert told(load(root, {})) == [(f"{name}/function.json", "", f"'{name}' is not a valid function name.")]


@pytest.mark.parametrize(
    ("file", "text", "place", "message"),
    [
        ("function.json", '{\n "bindings": [}', "line 2 column 15", "Expecting value."),
        ("function.json", "[]", "", "The file must hold an object, not []."),
        ("function.yaml", "a: 1\nb: [", "line 2 column 5", "expected the node content, but found '<stream end>'."),
        ("function.yml", "", "", "The file must hold an object, not null."),
    ],
)
def test_a_file_that_cannot_be_read(root: Path, file: str, text: str, place: str, message: str) -> None:
    write(root / "F" / file, text)
    add(root, "Sound")
    app = load(root, {})
    assert names(app) == ["Sound"]
    assert told(app) == [(f"F/{file}", place, message)]


@pytest.mark.parametrize("text", ["at: 2024-01-01", "n: .nan"])
def test_yaml_says_no_more_than_json_can(root: Path, text: str) -> None:
    write(root / "F" / "function.yaml", text)
    (problem,) = load(root, {}).problems
    assert problem.message.endswith("Put quotes around values that JSON does not have.")


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
WORDS = st.sampled_from(["httpTrigger", "HTTP", "queue", "table", "in", "out", "$return", "x_y", "%A%", "{b", "get"])
MEMBERS = st.sampled_from(
    ["name", "NAME", "type", "Type", "direction", "dataType", "methods", "Methods", "route", "take"]
)
ENTRIES = st.dictionaries(MEMBERS | st.text(max_size=3), WORDS | SCALARS | st.lists(WORDS | SCALARS, max_size=2))
DOCUMENTS = st.fixed_dictionaries(
    {"bindings": st.lists(ENTRIES | SCALARS, max_size=3)},
    optional={"scriptFile": WORDS | SCALARS, "entryPoint": SCALARS, "retry": ENTRIES | SCALARS, "disabled": SCALARS},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=DOCUMENTS)
def test_whatever_stands_in_a_function_json_is_a_function_or_a_problem(root: Path, document: Any) -> None:
    add(root, "F", script="index.js")
    write(root / "F" / "function.json", document)
    app = load(root, {"AzureWebJobsStorage": "x"})
    assert len(app.functions) == (0 if app.problems else 1)


def test_one_folder_with_two_function_files(root: Path) -> None:
    add(root, "F")
    write(root / "F" / "function.yml", json.dumps({"bindings": HTTP}))
    message = "The folder has both function.json and function.yml."
    assert told(load(root, {})) == [("F/function.json", "", message)]


def test_one_name_in_two_folders(root: Path) -> None:
    add(root, "Same")
    add(root, "functions/same")
    app = load(root, {})
    assert names(app) == ["Same"]
    assert told(app) == [("functions/same/function.json", "", "There is another function 'Same' in 'Same'.")]


def test_all_problems_are_told_at_once(root: Path) -> None:
    add(root, "A", [{"type": "httpTrigger", "name": "a_b", "methods": 1}, {"type": "nope", "direction": "in"}])
    write(root / "B" / "function.json", "{")
    pointers = [(problem.function, problem.pointer) for problem in load(root, {}).problems]
    assert pointers == [
        ("A", "/bindings/0/name"),
        ("A", "/bindings/0/methods"),
        ("A", "/bindings/1"),
        ("A", "/bindings/1/type"),
        ("B", "line 1 column 2"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ({"route": "x"}, {"route": "/X/"}, True),
        ({"route": "x", "methods": ["get"]}, {"route": "x", "methods": ["POST"]}, False),
        ({"route": "x", "methods": ["get", "post"]}, {"route": "x", "methods": ["POST"]}, True),
        ({"route": "x", "methods": ["get"]}, {"route": "x"}, True),
        ({"route": "b"}, {}, True),
        ({"route": "x/{id}"}, {"route": "x/{name}"}, False),
        ({"route": ""}, {"route": " "}, False),
    ],
)
def test_routes_of_two_functions(
    root: Path, first: Mapping[str, Any], second: Mapping[str, Any], conflict: bool
) -> None:
    add(root, "A", trigger("httpTrigger", **first))
    add(root, "B", trigger("httpTrigger", **second))
    message = "The route specified conflicts with the route defined by function 'A'."
    assert told(load(root, {})) == ([("B/function.json", "/bindings/0", message)] if conflict else [])


def test_languages_come_from_the_scripts(root: Path) -> None:
    add(root, "F", script="index.js")
    assert load(root, {}).language == "node"


@pytest.mark.parametrize(("runtime", "first"), [("", "python"), ("Python", "python"), ("node", "node")])
def test_the_setting_names_the_first_of_several_languages(root: Path, runtime: str, first: str) -> None:
    add(root, "P")
    add(root, "N", script="index.js")
    app = load(root, {"FUNCTIONS_WORKER_RUNTIME": runtime})
    assert (app.language, app.languages[0], names(app)) == (first, first, ["N", "P"])
    assert any("the platform would not deploy that" in warning for warning in app.warnings)


@pytest.mark.parametrize("runtime", ["node", "powershell"])
def test_no_function_has_the_apps_language(root: Path, runtime: str) -> None:
    add(root, "P")
    (problem,) = refusal(root, {"FUNCTIONS_WORKER_RUNTIME": runtime})
    assert problem.message == f"Did not find functions with language [{runtime}]."
    assert problem.pointer == "/Values/FUNCTIONS_WORKER_RUNTIME"


@pytest.mark.parametrize(
    ("type", "free"),
    [("httpTrigger", True), ("activityTrigger", True), ("warmupTrigger", False), ("manualTrigger", False)],
)
def test_most_triggers_need_storage(root: Path, type: str, free: bool) -> None:
    add(root, "F", trigger(type))
    if free:
        only(load(root, {}))
        return
    (problem,) = refusal(root, {"AzureWebJobsStorage": ""})
    assert problem.message.startswith("Missing value for AzureWebJobsStorage in local.settings.json.")


@pytest.mark.parametrize("name", ["AzureWebJobsStorage", "AzureWebJobsStorage__accountName"])
def test_storage_may_be_given_in_several_ways(root: Path, name: str) -> None:
    add(root, "F", trigger("timerTrigger", schedule="0 * * * * *"))
    only(load(root, {name: "x"}))


def test_connections_that_lead_nowhere_are_warned_of(root: Path) -> None:
    bindings = [
        *HTTP,
        {"type": "queue", "name": "a", "direction": "out", "queueName": "work", "connection": "Lost"},
        {"type": "queue", "name": "b", "direction": "out", "queueName": "work", "connection": "Found"},
        {"type": "queue", "name": "c", "direction": "out", "queueName": "work", "connection": ""},
        {"type": "DurableClient", "name": "d", "connectionName": "Gone"},
    ]
    add(root, "F", bindings)
    text = (
        "Warning: Cannot find value named '{}' in local.settings.json that matches '{}' property set on '{}' in '{}'."
    )
    assert load(root, {"AzureWebJobsFound": "x"}).warnings == (
        text.format("Lost", "connection", "queue", "F/function.json"),
        "Warning: 'connection' property in 'F/function.json' is empty.",
        text.format("Gone", "connectionName", "DurableClient", "F/function.json"),
    )


def test_what_lies_in_the_root_and_does_nothing_is_warned_of(root: Path) -> None:
    add(root, "F")
    write(root / "proxies.json", {})
    write(root / "requirements.txt", "# DO NOT include azure-functions-worker\nazure-functions\n")
    (proxies,) = load(root, {}).warnings
    assert proxies.startswith("proxies.json is ignored")


def test_settings_of_the_platforms_worker_that_change_nothing_are_told(root: Path) -> None:
    settings = {"PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1", "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}
    (told,) = (text for text in load(root, settings).warnings if "The setting" in text)
    assert told.startswith("The setting PYTHON_ISOLATE_WORKER_DEPENDENCIES has no effect here: ")


def test_an_app_without_host_json_has_the_defaults_and_stays_without(root: Path) -> None:
    add(root, "F")
    (root / "host.json").unlink()
    app = load(root, {})
    assert app.config.timeout == 1800
    assert app.warnings == (f'There is no host.json in \'{root}\': it is taken as {{"version": "2.0"}}.',)
    assert not (root / "host.json").exists()


def test_a_broken_app_tells_what_is_wrong_with_its_functions_too(root: Path) -> None:
    write(root / "host.json", "{")
    write(root / "local.settings.json", "[")
    write(root / "F" / "function.json", "{}")
    write(root / "F" / "run.py", "")
    places = [(problem.file, problem.pointer) for problem in refusal(root)]
    assert places == [
        ("host.json", "line 1 column 2"),
        ("local.settings.json", "line 1 column 2"),
        ("F/function.json", ""),
    ]


def test_a_folder_that_is_no_app(tmp_path: Path) -> None:
    text = "Unable to find project root. Expecting to find one of host.json, local.settings.json in project root."
    assert refusal(tmp_path)[0].message == text
    with pytest.raises(StartError, match="Unable to find project root"):
        find_root(tmp_path)


@pytest.mark.parametrize("file", ["host.json", "local.settings.json"])
def test_the_root_is_the_nearest_folder_upwards(tmp_path: Path, file: str) -> None:
    write(tmp_path / file, {})
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_root(inner) == find_root(tmp_path) == tmp_path
