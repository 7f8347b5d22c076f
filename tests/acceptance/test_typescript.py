"""Apps in TypeScript that were not compiled are told how, by the script in their package.json."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.hosts import PATIENCE, launched, run, write_app
from tests.support.node import HTTP, NODE
from tests.support.npm import link_packages
from tests.support.workers import write_file

RETURNED = {"name": "$return", "type": "http", "direction": "out"}
TELLS = 'The app is written in TypeScript: compile it first, with "npm run compile".'
SCRIPTS = {"start": "func start", "compile": "tsc -p ."}
V3 = {
    "Hello/function.json": json.dumps({"scriptFile": "../dist/Hello/index.js", "bindings": [HTTP, RETURNED]}),
    "Hello/index.ts": "export default async (): Promise<object> => ({ body: 'compiled' });\n",
    "package.json": json.dumps({"scripts": SCRIPTS}),
}
V4 = {
    "src/functions/hello.ts": "import { app } from '@azure/functions';\n",
    "package.json": json.dumps({"main": "dist/src/{index.js,functions/*.js}", "scripts": SCRIPTS}),
}
COMPILED_V3 = """
'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
exports.default = async () => ({ body: 'compiled' });
"""
COMPILED_V4 = """
'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
const functions_1 = require('@azure/functions');
functions_1.app.http('Hello', { authLevel: 'anonymous', handler: async () => ({ body: 'compiled' }) });
"""


def app_of(root: Path, model: str) -> Path:
    files = V3 if model == "v3" else V4
    return link_packages(write_app(root, {"tsconfig.json": "{}", **files}), model)


@pytest.mark.parametrize("model", ["v3", "v4"])
def test_check_says_how_to_compile(model: str, tmp_path: Path) -> None:
    code, lines = run("check", app_of(tmp_path, model), **NODE)
    assert (code, lines[-1]) == (1, "Functions that can be served: 0. Problems: 1.")
    assert any(TELLS in line for line in lines)


@pytest.mark.parametrize(
    ("model", "file", "code"),
    [("v3", "dist/Hello/index.js", COMPILED_V3), ("v4", "dist/src/functions/hello.js", COMPILED_V4)],
)
def test_an_app_is_served_as_soon_as_it_is_compiled(model: str, file: str, code: str, tmp_path: Path) -> None:
    with launched("start", app_of(tmp_path, model), "--port", 0, **NODE) as (_, output):
        output.until(TELLS)
        write_file(tmp_path / file, code)
        address = f"http://localhost:{output.until_listed()}/api/Hello"
        assert httpx.get(address, timeout=PATIENCE).text == "compiled"
