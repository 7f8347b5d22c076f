"""From a script to its function, and what a Node worker says about those it cannot load (platform/node-worker.md 2)."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from fnhost.bindings.contract import Event, HttpResponse
from fnhost.host.errors import FunctionNotLoadable, StartError
from fnhost.host.logging.events import WorkerOutput
from fnhost.host.logging.log import Log
from fnhost.host.worker import Invocation
from fnhost.host.worker.commands import command
from fnhost.host.worker.framed import open_channel
from fnhost.host.worker.standby import StandbyWorkers
from tests.support.node import HTTP, NODE, RES, write_v3
from tests.support.workers import Bench, Heard, bench, get, write_file

pytestmark = pytest.mark.anyio
SAYS = "async (context) => {{ context.res = {{ body: '{}' }}; }}"

SOUND: Mapping[str, tuple[str, str, str]] = {
    "Function": ("index.js", f"module.exports = {SAYS.format('function')};", ""),
    "OnlyExport": ("index.js", f"exports.anything = {SAYS.format('only')};", ""),
    "Run": ("index.js", f"exports.other = 1; exports.run = {SAYS.format('run')};", ""),
    "Index": ("index.js", f"exports.other = () => {{}}; exports.index = {SAYS.format('index')};", ""),
    "Named": ("index.js", f"exports.run = 1; exports.named = {SAYS.format('named')};", "named"),
    "Compiled": (
        "index.js",
        f"Object.defineProperty(exports, '__esModule', {{ value: true }});exports.default = {SAYS.format('compiled')};",
        "",
    ),
    "Method": (
        "index.js",
        "module.exports = { text: 'this', async run(context) { context.res = { body: this.text }; } };",
        "",
    ),
    "Module": ("index.mjs", f"export default {SAYS.format('module')};", ""),
    "ModuleRun": ("index.mjs", f"export const other = 1; export const run = {SAYS.format('module run')};", ""),
    "Awaits": ("index.mjs", f"const text = await 'x'; export default {SAYS.format('awaits')};", ""),
    "Common": ("index.cjs", f"module.exports = {SAYS.format('common')};", ""),
    "Imports": (
        "index.mjs",
        "import { text } from '../shared/module.mjs';"
        "export default async (context) => { context.res = { body: text }; };",
        "",
    ),
    "Requires": (
        "index.js",
        "const { text } = require('../shared/common');"
        "module.exports = async (context) => { context.res = { body: text }; };",
        "",
    ),
    "Elsewhere": ("../dist/elsewhere.js", f"module.exports = {SAYS.format('elsewhere')};", ""),
}
"""The script, its text and the entry point. Each says its own name in words."""
WORDS = {
    "OnlyExport": "only",
    "Method": "this",
    "ModuleRun": "module run",
    "Imports": "imported",
    "Requires": "required",
}

BROKEN: Mapping[str, tuple[str, str, str, str]] = {
    "NoEntry": ("index.js", "exports.a = exports.b = () => {};", "", "Unable to determine function entry point. If"),
    "NoSuchEntry": ("index.js", "exports.a = () => {};", "b", "Unable to determine function entry point: b. If"),
    "NoFunction": ("index.js", "module.exports = 5;", "", "The resolved entry point is not a function"),
    "Nothing": ("index.js", "", "", "Unable to determine function entry point."),
    "NoModule": ("index.js", "\nrequire('nowhere-to-be-found');", "", "Cannot find module 'nowhere-to-be-found'"),
    "NoModulePlace": ("index.js", "\nrequire('nowhere-to-be-found');", "", "NoModulePlace/index.js:2"),
    "Raises": ("index.js", "\n\nthrow new TypeError('at load');", "", "TypeError: at load"),
    "RaisesPlace": ("index.js", "\n\nthrow new TypeError('at load');", "", "RaisesPlace/index.js:3"),
    "RaisesText": ("index.js", "throw 'a text';", "", "a text"),
    "Syntax": ("index.js", "module.exports = () => {\n  return (\n}", "", "Syntax/index.js:3"),
    "SyntaxText": ("index.js", "module.exports = () => {\n  return (\n}", "", "Unexpected token '}'"),
    "SyntaxModule": ("index.mjs", "export default () => {\n  return (\n}", "", "SyntaxModule/index.mjs:3"),
    "SyntaxFar": ("index.mjs", "import '../shared/broken.mjs';", "", "shared/broken.mjs:2"),
    "NoExport": ("index.mjs", "\nimport { no } from '../shared/module.mjs';", "", "NoExport/index.mjs:2"),
}
"""The script, its text, the entry point, and a part of what is told."""


def write_scripts(root: Path, scripts: Mapping[str, tuple[str, ...]]) -> Path:
    for name, (file, source, entry_point, *_) in scripts.items():
        document = {"scriptFile": file, "entryPoint": entry_point or None, "bindings": [HTTP, RES]}
        write_file(root / name / "function.json", json.dumps(document))
        write_file((root / name / file).resolve(), source)
    return write_v3(root)


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = write_scripts(tmp_path_factory.mktemp("load"), {**SOUND, **BROKEN})
    write_file(root / "shared" / "module.mjs", "export const text = 'imported';")
    write_file(root / "shared" / "common.js", "exports.text = 'required';")
    write_file(root / "shared" / "broken.mjs", "\nexport const = 1;")
    async with bench(root, **NODE) as running:
        yield running


async def said(worker: Bench, name: str) -> object:
    answered = (await worker.call(name, get())).outputs["res"]
    assert isinstance(answered, HttpResponse)
    return answered.body


@pytest.mark.parametrize("name", SOUND)
async def test_a_function_is_found_in_its_module(worker: Bench, name: str) -> None:
    assert await said(worker, name) == WORDS.get(name, name.lower())


@pytest.mark.parametrize("name", BROKEN)
async def test_a_problem_is_told_with_its_place(worker: Bench, name: str) -> None:
    told = worker.failures[name]
    assert told.startswith(f"Worker was unable to load function {name}: '")
    assert BROKEN[name][3] in told
    assert "languages/node" not in told and "node:internal" not in told


async def test_only_those_that_did_not_load_fail(worker: Bench) -> None:
    assert set(worker.failures) == set(BROKEN)
    with pytest.raises(FunctionNotLoadable, match="Worker was unable to load function Raises: 'at load"):
        await worker.call("Raises", get())


async def test_package_json_says_what_a_js_file_is(tmp_path: Path) -> None:
    sources = {
        "Module": ("index.js", f"export default {SAYS.format('module')};", ""),
        "Common": ("index.cjs", f"module.exports = {SAYS.format('common')};", ""),
    }
    write_file(tmp_path / "package.json", '{"type": "module"}')
    async with bench(write_scripts(tmp_path, sources), **NODE) as running:
        assert (await said(running, "Module"), await said(running, "Common")) == ("module", "common")


@pytest.mark.parametrize("text", ['{"name": "an-app"}', '{"main": ""}', '{"type": "other"}', "\ufeff{}"])
async def test_a_package_json_that_says_nothing_is_no_obstacle(tmp_path: Path, text: str) -> None:
    write_file(tmp_path / "package.json", text)
    async with bench(write_v3(tmp_path, Hello=f"module.exports = {SAYS.format('hello')};"), **NODE) as running:
        assert await said(running, "Hello") == "hello"


async def test_a_package_json_that_node_cannot_read_is_named(tmp_path: Path) -> None:
    write_file(tmp_path / "package.json", "{")
    async with bench(write_v3(tmp_path, Hello=f"module.exports = {SAYS.format('hello')};"), **NODE) as running:
        assert f"{tmp_path}/package.json" in running.failures["Hello"]


async def test_a_main_that_is_not_there_is_told_for_every_function(tmp_path: Path) -> None:
    write_file(tmp_path / "package.json", '{"main": "index.js"}')
    async with bench(write_v3(tmp_path, Hello=f"module.exports = {SAYS.format('hello')};"), **NODE) as running:
        told = running.failures["Hello"]
    assert told.startswith('Worker was unable to load entry point "index.js": File does not exist.')
    assert 'Remove "main" from package.json' in told


async def test_a_main_may_run_code_of_a_v3_app(tmp_path: Path) -> None:
    write_file(tmp_path / "package.json", '{"main": "./setup.js"}')
    write_file(tmp_path / "setup.js", "global.text = 'set up';")
    source = "module.exports = async (context) => { context.res = { body: global.text }; };"
    async with bench(write_v3(tmp_path, Hello=source), **NODE) as running:
        assert await said(running, "Hello") == "set up"


async def test_a_worker_in_waiting_runs_no_user_code_but_has_the_packages(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "durable-functions"
    write_file(package / "index.js", "console.log('the package'); exports.text = 'one';")
    write_file(tmp_path / "package.json", '{"main": "main.js"}')
    write_file(tmp_path / "main.js", "console.log('the main');")
    source = "const df = require('durable-functions'); module.exports = async (c) => { c.res = { body: df.text }; };"
    write_v3(tmp_path, Hello=f"console.log('the script'); {source}")
    async with bench(tmp_path, **NODE) as running:
        heard, log = running.heard, Log(running.heard)
        run = command(running.app)
        heard.records.clear()
        channel = await open_channel(run, log)
        try:
            channel.warm_up()
            await heard.message("the package")
            assert "the main" not in [record.message for record in heard.records]
            assert await channel.load(running.app.functions) == {}
            await heard.message("the script")
            printed = [record.message for record in heard.records if isinstance(record.event, WorkerOutput)]
            assert printed == ["the package", "the main", "the script"]
        finally:
            await channel.stop()


async def test_packages_that_were_installed_anew_are_loaded_anew(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "durable-functions" / "index.js"
    write_file(package, "console.log('loaded'); exports.text = 'old';")
    source = "const df = require('durable-functions'); module.exports = async (c) => { c.res = { body: df.text }; };"
    write_v3(tmp_path, Hello=source)
    async with bench(tmp_path, **NODE) as running:
        heard = Heard()
        async with StandbyWorkers(Log(heard)) as standby:
            standby.prepare(command(running.app), after=0)
            await heard.message("loaded")
            write_file(package, "exports.text = 'new';")
            channel = await standby.take(command(running.app))
            await channel.load(running.app.functions)
            hello = running.app.functions[0]
            outcome = await channel.call(Invocation("id", hello, {"req": get()}, Event("Hello", get(), "test")))
            await channel.stop()
    assert outcome.outputs["res"] == HttpResponse("", {}, "new")


async def test_without_node_the_text_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no node on PATH"):
        async with bench(write_v3(tmp_path, Hello=""), **{**NODE, "PATH": str(tmp_path)}):
            pass


async def test_arguments_reach_node(tmp_path: Path) -> None:
    source = "module.exports = async (context) => { context.res = { body: process.execArgv.join() }; };"
    app = write_v3(tmp_path, Hello=source)
    async with bench(app, **NODE, languageWorkers__node__arguments="--no-warnings --title='a b'") as running:
        assert await said(running, "Hello") == "--no-warnings,--title=a b"
