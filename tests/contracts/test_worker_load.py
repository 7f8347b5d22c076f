"""What a worker says about functions it cannot load, in the platform's words (platform/python-worker.md 2)."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from fnhost.bindings.contract import HttpResponse
from fnhost.host.errors import FunctionNotLoadable
from tests.support.interpreters import interpreter, names
from tests.support.workers import HTTP, RETURN, Bench, bench, get, write_app, write_file, write_function

pytestmark = pytest.mark.anyio
QUEUE = {"name": "out", "type": "queue", "direction": "out", "queueName": "work"}
BLOB = {"name": "file", "type": "blob", "direction": "in", "path": "c/b"}
STREAM = {**BLOB, "dataType": "string"}
INOUT = {**BLOB, "direction": "inout"}
FUNC = "import azure.functions as func\n"

PROBLEMS: Mapping[str, tuple[str, list[Mapping[str, object]], str]] = {
    "NoEntry": ("def other(req): ...", [HTTP], "function main() is not present in"),
    "NotCallable": ("main = 1", [HTTP], "function main() is not present in"),
    "NoModule": ("import nowhere_to_be_found", [HTTP], "Please check the requirements.txt file"),
    "NoModulePath": ("import nowhere_to_be_found", [HTTP], "Current sys.path:"),
    "Undeclared": (
        "def main(req, more): ...",
        [HTTP],
        "the following parameters are declared in Python but not in function.json: {'more'}",
    ),
    "Unused": (
        "def main(req): ...",
        [HTTP, QUEUE],
        "the following parameters are declared in function.json but not in Python: {'out'}",
    ),
    "InOut": ("def main(req, file): ...", [HTTP, INOUT], '"inout" bindings are not supported'),
    "PlainOut": (
        "def main(req, out: str): ...",
        [HTTP, QUEUE],
        "annotation in Python is not a subclass of azure.functions.Out",
    ),
    "OutIn": (
        FUNC + "def main(req: func.Out[str]): ...",
        [HTTP],
        "but its annotation is azure.functions.Out in Python",
    ),
    "BareOut": (FUNC + "def main(req, out: func.Out): ...", [HTTP, QUEUE], "binding out has invalid Out annotation"),
    "NoType": ("def main(req: 123): ...", [HTTP], "binding req has invalid non-type annotation 123"),
    "BuiltinGeneric": (
        "def main(rows: list[int]): ...",
        [{"name": "rows", "type": "activityTrigger", "direction": "in"}],
        "binding rows has invalid non-type annotation list[int] (Azure's worker does not take list[int] here: ",
    ),
    "Partial": (
        "import functools\ndef call(more, req): ...\nmain = functools.partial(call, 1)",
        [HTTP],
        "which Azure's worker does not take: write a function with def or async def",
    ),
    "CallableObject": (
        "class Main:\n    def __call__(self, req): ...\nmain = Main()",
        [HTTP],
        "which Azure's worker does not take: write a function with def or async def",
    ),
    "Union": (
        "import typing\ndef main(req: typing.Optional[str]): ...",
        [HTTP],
        "binding req has invalid non-type annotation",
    ),
    "Misfit": (
        "def main(req: int): ...",
        [HTTP],
        'type of req binding in function.json "httptrigger" does not match its Python annotation "int"',
    ),
    "TypedMisfit": (
        "def main(req, file: int): ...",
        [HTTP, STREAM],
        'do not match the corresponding function parameter\'s Python type annotation "int"',
    ),
    "OutMisfit": (
        FUNC + "def main(req, out: func.Out[int]): ...",
        [HTTP, QUEUE],
        'type of out binding in function.json "queue" does not match its Python annotation "int"',
    ),
    "ReturnMisfit": (
        "def main(req) -> int: ...",
        [HTTP, RETURN],
        'Python return annotation "int" does not match binding type "http"',
    ),
    "ReturnNoType": ("def main(req) -> 123: ...", [HTTP, RETURN], "has invalid non-type return annotation 123"),
    "WrongContext": (
        "def main(req, context: int): ...",
        [HTTP],
        'the "context" parameter is expected to be of type azure.functions.Context',
    ),
    "Raises": ("x = 1\nraise ValueError('at import')", [HTTP], "ValueError: at import"),
    "RaisesPlace": ("x = 1\nraise ValueError('at import')", [HTTP], 'RaisesPlace/__init__.py", line 2'),
    "Exits": ("import sys\nsys.exit('leaving')", [HTTP], "SystemExit: leaving"),
    "Broken": ("def main(req):\n    return (", [HTTP], "SyntaxError: '(' was never closed"),
    "BrokenPlace": ("def main(req):\n    return (", [HTTP], 'BrokenPlace/__init__.py", line 2'),
    "UnknownName": ("def main(req: 'Nothing'): ...", [HTTP], "NameError: name 'Nothing' is not defined"),
}


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One worker that was given every broken function and a sound one."""
    root = write_app(tmp_path_factory.mktemp("broken"))
    for name, (source, bindings, _) in PROBLEMS.items():
        write_function(root / name, source, *bindings)
    write_function(root / "BadFile", "def main(req): ...", file="run.me.py")
    write_function(root / "Sound", "def main(req): return 'fine'")
    async with bench(root) as running:
        yield running


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_problem_is_told_in_the_platforms_words(worker: Bench, name: str) -> None:
    told = worker.failures[name]
    assert told.startswith(f"cannot load the {name} function: ")
    assert PROBLEMS[name][2] in told
    assert "_fnhost_worker" not in told.partition("Current sys.path")[0]


async def test_a_script_needs_a_module_name(worker: Bench) -> None:
    assert "cannot load the BadFile function: invalid Python filename" in worker.failures["BadFile"]


async def test_a_function_that_did_not_load_fails_every_call(worker: Bench) -> None:
    for _ in range(2):
        with pytest.raises(FunctionNotLoadable, match="cannot load the Raises function: ValueError: at import"):
            await worker.call("Raises", get())


async def test_the_others_still_run(worker: Bench) -> None:
    assert (await worker.call("Sound", get())).returned == "fine"
    assert set(worker.failures) == {*PROBLEMS, "BadFile"}


@pytest.mark.parametrize("name", names())
async def test_an_app_without_the_sdk_finds_a_copy_and_nothing_else_beside_it(tmp_path: Path, name: str) -> None:
    source = f"{FUNC}def main(req): return func.HttpResponse('copied')"
    write_app(tmp_path, Hello=source, Other="import starlette\ndef main(req): ...", Azure="import azure.storage.blob")
    settings = {"languageWorkers__python__arguments": "-S", "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    async with bench(tmp_path, interpreter(name).executable, **settings) as running:
        assert isinstance(response := (await running.call("Hello", get())).returned, HttpResponse)
        assert response.body == b"copied"
        assert "No module named 'starlette'" in running.failures["Other"]
        assert "No module named 'azure.storage'" in running.failures["Azure"]
        told = [
            record.message for record in running.heard.records if "has no package azure-functions" in record.message
        ]
        assert len(told) == 1


async def test_without_any_sdk_the_text_says_what_to_install(tmp_path: Path) -> None:
    write_app(tmp_path, Hello="def main(req): ...")
    async with bench(tmp_path, languageWorkers__python__arguments="-S", FNHOST_SDK_PACKAGES="") as running:
        assert "-m pip install azure-functions" in running.failures["Hello"]


async def test_packages_beside_the_app_are_found(tmp_path: Path) -> None:
    write_file(tmp_path / ".python_packages" / "lib" / "site-packages" / "only_here.py", "NAME = 'here'")
    write_app(tmp_path, Hello="import only_here\ndef main(req): return only_here.NAME")
    async with bench(tmp_path) as running:
        assert (await running.call("Hello", get())).returned == "here"


async def test_a_second_save_within_a_second_never_runs_stale_bytecode(tmp_path: Path) -> None:
    write_app(tmp_path, Hello="def main(req): return 'one'")
    async with bench(tmp_path) as running:
        assert (await running.call("Hello", get())).returned == "one"
    write_file(tmp_path / "Hello" / "__init__.py", "def main(req): return 'two'")
    async with bench(tmp_path) as running:
        assert (await running.call("Hello", get())).returned == "two"
    assert bytecode_below(tmp_path) == []


def bytecode_below(root: Path) -> list[Path]:
    return list(root.rglob("*.pyc"))
