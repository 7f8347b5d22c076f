"""Which key an operation asks for, in the terms of OpenAPI (platform/keys-and-admin.md 1)."""

from fnhost.host.web.openapi.routes import Members

KINDS = {
    "function": "A key of the function, a key of the host, or the master key",
    "admin": "The master key",
    "system": "The extension's system key, or the master key",
}
"""By what the operation asks for."""


def schemes() -> dict[str, Members]:
    """The Security Schemes: each kind of key goes into the header, or into the query."""
    places = {"header": "x-functions-key", "query": "code"}
    return {
        scheme(kind, place): {"type": "apiKey", "in": place, "name": name, "description": f"{text}."}
        for kind, text in KINDS.items()
        for place, name in places.items()
    }


def scheme(kind: str, place: str) -> str:
    return f"{kind}-key-in-{place}"


def requirement(kind: str, *, with_keys: bool) -> list[Members]:
    """The Security Requirements: either place does. `with_keys` False: the host asks for none, and none is needed."""
    if kind not in KINDS:  # anonymous
        return []
    asked: list[Members] = [{scheme(kind, "header"): []}, {scheme(kind, "query"): []}]
    return asked if with_keys else [{}, *asked]
