"""Imports point down the layers of docs/architecture.md, packages know what they may know, and nothing is circular."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("host", "bindings", "azurite")
PROGRAMS = "host/worker/languages/"
"""Started in a process of their own, never imported."""

LAYERS = {
    # What everything else speaks of.
    "fnhost": 0,
    "fnhost.azurite": 0,
    "fnhost.bindings.contract": 0,
    "fnhost.host.app": 0,
    "fnhost.host.errors": 0,
    "fnhost.host.options": 0,
    "fnhost.host.rpc": 0,
    "fnhost.host.limits": 0,
    "fnhost.host.logging": 0,
    "fnhost.host.system": 0,
    "fnhost.host.retry": 0,
    "fnhost.host.presence": 0,
    "fnhost.host.supervise": 0,
    "fnhost.host.text": 0,
    "fnhost.host.tasks": 0,
    # Binding adapters, and reading an app from its files.
    "fnhost.bindings": 1,
    "fnhost.host.logging.console": 1,
    "fnhost.host.terminal": 1,
    "fnhost.host.listing": 1,
    "fnhost.host.load": 1,
    "fnhost.host.endpoints": 1,
    "fnhost.host.identity": 1,
    "fnhost.host.worker.toolchains": 1,
    # Language workers, and one invocation.
    "fnhost.host.worker": 2,
    "fnhost.host.invoker": 3,
    # Durable Functions, one line for each package of host/durable.
    "fnhost.host.durable": 2,
    "fnhost.host.durable.model": 2,
    "fnhost.host.durable.storage": 4,
    "fnhost.host.durable.storage.hub": 3,
    "fnhost.host.durable.storage.codec": 3,
    "fnhost.host.durable.entities": 3,
    "fnhost.host.durable.dialects": 4,
    "fnhost.host.durable.replay": 4,
    "fnhost.host.durable.sharing": 4,
    "fnhost.host.durable.runtime": 5,
    "fnhost.host.durable.client": 6,
    "fnhost.host.durable.insight": 7,
    "fnhost.host.durable.detached": 7,
    "fnhost.host.durable.config": 7,
    "fnhost.host.durable.sidecar": 7,
    # HTTP: what listens, and what is served beside the app's own functions.
    "fnhost.host.web": 8,
    "fnhost.host.web.listen": 8,
    "fnhost.host.web.openapi": 8,
    "fnhost.host.web.mcp": 9,
    "fnhost.host.web.admin": 9,
    "fnhost.host.web.dashboard": 9,
    "fnhost.host.web.durable": 9,
    "fnhost.host.web.front": 10,
    # Assembly: the only modules that know every part.
    "fnhost.host.assembly": 11,
    # The command line.
    "fnhost.host.commands": 12,
    "fnhost.host.start": 12,
    "fnhost.host.cli": 12,
}
"""The longest name that a module begins with counts."""


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the import package, by its name there; but what a compiler has written."""
    files = [file for package in PACKAGES for file in (REPOSITORY / package).rglob("*.py")]
    ours = [file for file in files if not file.relative_to(REPOSITORY).as_posix().startswith(PROGRAMS)]
    return {name_of(file): file for file in ours if "node_modules" not in file.parts and not file.stem.endswith("_pb2")}


def name_of(file: Path) -> str:
    parts = ("fnhost", *file.relative_to(REPOSITORY).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    return LAYERS[entry_of(module)]


def entry_of(module: str) -> str:
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(prefix for prefix in prefixes if prefix in LAYERS)


def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text("utf-8"))


def imports(module: str) -> Iterator[tuple[str, str]]:
    """Module and name of everything that it imports of ours, wherever in its text the import stands."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            base = origin(node, package)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield (name, "") if name in modules() else (base, alias.name)


def origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


@cache
def graph() -> dict[str, list[str]]:
    return {module: sorted({name for name, _ in imports(module) if name in modules()}) for module in modules()}


def edges() -> list[tuple[str, str]]:
    return [(module, name) for module, names in graph().items() for name in names]


def circle(found: Mapping[str, list[str]]) -> list[str]:
    """The modules of one circle, the first again at the end; empty if there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        first = next((inner for name in found[module] if (inner := walk(name, [*path, module]))), [])
        done.add(module)
        return first

    return next((inner for module in found if (inner := walk(module, []))), [])


def foreign_private_attributes(module: str) -> Iterator[str]:
    """Attributes with a leading underscore that are read from something which this module does not define itself."""
    tree = tree_of(module)
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_self(node.value)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and is_private(node.attr)
            and not is_self(node.value)
            and node.attr not in own
        ):
            yield f"{module} line {node.lineno}: {ast.unparse(node)}"


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls", "os")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_every_module_of_the_host_has_a_layer() -> None:
    lost = [module for module in modules() if module.startswith("fnhost.host.") and entry_of(module) == "fnhost"]
    assert not lost, f"{', '.join(lost)}: in which layer of the design is that? Say so in LAYERS."


def test_every_layer_names_something() -> None:
    gone = [name for name in LAYERS if name != "fnhost" and not any(f"{m}.".startswith(f"{name}.") for m in modules())]
    assert not gone, f"LAYERS names what is not there: {', '.join(gone)}."


def test_imports_point_down() -> None:
    up = [(module, name) for module, name in edges() if layer_of(module) < layer_of(name)]
    said = [f"{module} (layer {layer_of(module)}) imports {name} (layer {layer_of(name)})" for module, name in up]
    assert not up, f"Imports must point down: {'; '.join(said)}."


def test_the_smaller_packages_know_nothing_of_the_host() -> None:
    allowed = {"host": PACKAGES, "bindings": ("bindings",), "azurite": ("azurite",)}
    wrong = [edge for edge in edges() if edge[1].split(".")[1] not in allowed[edge[0].split(".")[1]]]
    said = [f"{module} imports {name}" for module, name in wrong]
    assert not wrong, f"Only host may import other packages: {'; '.join(said)}."


def test_nobody_imports_private_names() -> None:
    private = [
        f"{module} imports {base}.{name}" for module in modules() for base, name in imports(module) if is_private(name)
    ]
    assert not private, f"A leading underscore means this module alone: {'; '.join(private)}."


def test_nobody_reaches_into_private_attributes() -> None:
    written = [module for module in modules() if not module.endswith("_pb2")]  # others are generated
    found = [line for module in written for line in foreign_private_attributes(module)]
    assert not found, f"A leading underscore means this module alone: {'; '.join(found)}."


CLOCKS = {
    "time": {"time", "monotonic", "perf_counter", "sleep", "time_ns", "monotonic_ns"},
    "asyncio": {"sleep", "timeout", "timeout_at", "wait_for"},
    "datetime": {"now", "utcnow", "today"},
}
TIMERS = {"call_later", "call_at"}


def time_read(module: str) -> Iterator[str]:
    """Places that ask the machine or the event loop for time. `asyncio.sleep(0)` is only a turn for others."""
    for node in ast.walk(tree_of(module)):
        if not isinstance(node, ast.Attribute):
            continue
        base = ast.unparse(node.value)
        if (
            node.attr in CLOCKS.get(base, ())
            or (node.attr in TIMERS and "loop" in base)
            or (base == "asyncio.get_running_loop()" and node.attr == "time")
        ):
            yield f"{module} line {node.lineno}: {base}.{node.attr}"


def test_time_is_asked_of_the_clock_alone() -> None:
    found = [line for module in modules() for line in time_read(module) if not is_turn(line)]
    assert not found, f"Take a fnhost.clock.Clock instead: {'; '.join(found)}."


def is_turn(line: str) -> bool:
    module, _, place = line.partition(" line ")
    number = int(place.partition(":")[0])
    return "asyncio.sleep(0)" in modules()[module].read_text("utf-8").splitlines()[number - 1]


def test_there_is_no_circle() -> None:
    found = circle(graph())
    assert not found, f"Modules import each other in a circle: {' -> '.join(found)}."


def test_a_circle_would_be_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


def test_the_walk_sees_known_imports() -> None:
    assert "fnhost.host.load.documents" in graph()["fnhost.host.load.functions"]
    assert "fnhost.host.load.retry" in graph()["fnhost.host.load.functions"]
    assert "fnhost.bindings.contract" in graph()["fnhost.host.app"]
