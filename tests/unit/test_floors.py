"""Imports point down the floors of the design, `bindings` never looks at `host`, nothing goes round in a circle."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("host", "bindings", "azurite")
PROGRAMS = "host/worker/languages/"
"""Started in a process of their own, never imported."""

FLOORS = {
    "azurite": 0,
    "bindings.contract": 0,
    "host.app": 0,
    "host.errors": 0,
    "host.log": 0,
    "host.options": 0,
    "host.supervise": 0,
    "host.durable.history": 0,
    "host.durable.hub": 0,
    "host.durable.registry": 1,
    "bindings": 1,
    "host.load": 1,
    "host.durable.actions": 1,
    "host.durable.decide": 1,
    "host.durable.codec": 1,
    "host.durable.admit": 1,
    "host.durable.entity": 1,
    "host.durable.entity_messages": 1,
    "host.durable.entity_session": 2,
    "host.durable.outgoing": 1,
    "host.durable.partitions": 1,
    "host.durable.payloads": 1,
    "host.durable.rewind": 1,
    "host.durable.sorter": 1,
    "host.invoke": 2,
    "host.worker": 2,
    "host.durable": 2,
    "host.console": 1,
    "host.web": 3,
    "host.taskhub": 4,
    "host.generation": 4,
    "host.watch": 4,
    "host.reload": 5,
    "host.serve": 5,
    "host.start": 5,
    "host.__main__": 5,
}
"""The longest name that a module begins with counts."""


def modules() -> Mapping[str, Path]:
    files = [file for package in PACKAGES for file in (REPOSITORY / package).rglob("*.py")]
    ours = [file for file in files if not file.relative_to(REPOSITORY).as_posix().startswith(PROGRAMS)]
    return {name_of(file): file for file in ours if "node_modules" not in file.parts}


def name_of(file: Path) -> str:
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int | None:
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((FLOORS[prefix] for prefix in prefixes if prefix in FLOORS), None)


def imports(module: str, known: Mapping[str, Path]) -> Iterator[str]:
    """Our own modules that it imports, wherever in its text the import stands."""
    package = module if known[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(known[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = origin(node, package)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield name if name in known else base


def origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


@cache
def graph() -> dict[str, list[str]]:
    known = modules()
    return {module: sorted({name for name in imports(module, known) if name in known}) for module in known}


def circle(edges: Mapping[str, list[str]]) -> list[str]:
    """The modules of one circle, the first again at the end; empty if there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        found = next((found for name in edges[module] if (found := walk(name, [*path, module]))), [])
        done.add(module)
        return found

    return next((found for module in edges if (found := walk(module, []))), [])


def test_every_module_has_a_floor() -> None:
    lost = [module for module in modules() if floor_of(module) is None and module != "host"]
    assert not lost, f"{', '.join(lost)}: on which floor of the design is that? Say so in FLOORS."


def test_imports_point_down() -> None:
    edges = [(module, name) for module, names in graph().items() for name in names]
    up = [(module, name) for module, name in edges if (floor_of(module) or 0) < (floor_of(name) or 0)]
    said = [f"{module} (floor {floor_of(module)}) imports {name} (floor {floor_of(name)})" for module, name in up]
    assert not up, f"Imports must point down: {'; '.join(said)}."


def test_the_smaller_packages_know_nothing_of_the_host() -> None:
    allowed = {"host": PACKAGES, "bindings": ("bindings",), "azurite": ("azurite",)}
    edges = [(module, name) for module, names in graph().items() for name in names]
    wrong = [edge for edge in edges if edge[1].partition(".")[0] not in allowed[edge[0].partition(".")[0]]]
    said = [f"{module} imports {name}" for module, name in wrong]
    assert not wrong, f"Only host may look at other packages: {'; '.join(said)}."


def test_there_is_no_circle() -> None:
    found = circle(graph())
    assert not found, f"A circle is a missing room: {' -> '.join(found)}."


def test_a_circle_would_be_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


def test_the_walk_sees_known_imports() -> None:
    edges = graph()
    assert "host.load.documents" in edges["host.load.functions"]
    assert "host.load.retry" in edges["host.load.functions"]
    assert "bindings.contract" in edges["host.app"]
