"""The whole document: the app's functions, the admin endpoints, and the management API of Durable Functions."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fnhost import __version__
from fnhost.host.app import App
from fnhost.host.web.openapi import functions
from fnhost.host.web.openapi.routes import Members
from fnhost.host.web.openapi.security import requirement, schemes

ADMIN, DURABLE = "admin", "durable"
KIND = "x-key"
"""The member of an operation in the files of this folder that says which kind of key it asks for."""


def openapi(app: App, server: str, *, has_hub: bool, with_keys: bool) -> Members:
    """An OpenAPI 3.1 document. `server` is the host's origin; `has_hub` says whether the app has a task hub.

    Raises BindingError if host.json holds an unusable value for the routes.
    """
    parts = [_part(ADMIN), *([_part(DURABLE)] if has_hub else [])]
    paths = functions.function_paths(app, with_keys=with_keys)
    for part in parts:
        paths |= {path: _keyed(item, with_keys) for path, item in part["paths"].items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": app.root.name,
            "version": __version__,
            "description": "The app's HTTP functions, and how to manage its host. The version is that of fnhost.",
        },
        "servers": [{"url": server}],
        "tags": [{"name": functions.TAG, "description": "The app's own."}, *(part["tag"] for part in parts)],
        "paths": paths,
        "components": {
            "securitySchemes": schemes(),
            "schemas": {name: schema for part in parts for name, schema in part["schemas"].items()},
            "parameters": {name: each for part in parts for name, each in part["parameters"].items()},
            "responses": {name: each for part in parts for name, each in part["responses"].items()},
        },
    }


@cache
def _part(name: str) -> dict[str, Any]:
    """A management API as it is written down: `tag`, `paths` and components. Not to be changed."""
    text = (Path(__file__).parent / f"{name}.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


def _keyed(item: Members, with_keys: bool) -> Members:
    """A Path Item with the keys that its operations ask for."""
    return {
        name: _secured(each, with_keys) if isinstance(each, dict) and KIND in each else each
        for name, each in item.items()
    }


def _secured(operation: Members, with_keys: bool) -> Members:
    kept = {name: member for name, member in operation.items() if name != KIND}
    return {**kept, "security": requirement(operation[KIND], with_keys=with_keys)}
