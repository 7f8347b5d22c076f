"""A function added to a file that declares functions in code (the Python v2 model), and nothing else changed in it.

The file is parsed to learn what its app is called and what it imports; its text is changed at the places found.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fnhost.host.errors import StartError

APPS = ("FunctionApp", "DFApp", "AsgiFunctionApp", "WsgiFunctionApp")
BLUEPRINTS = ("Blueprint",)
DURABLE = {"FunctionApp": "DFApp", "Blueprint": "Blueprint"}
"""For a class of azure.functions the one of azure.durable_functions that has the decorators of both."""
DURABLE_MODULE, DURABLE_ALIAS = "azure.durable_functions", "df"


@dataclass(frozen=True, slots=True)
class Declared:
    """The app or blueprint of a file: `name = call()`. `maker` is the class that is called, `module` its module."""

    name: str
    maker: str
    module: str
    call: ast.expr
    line: int


def app_of(file: str, source: str) -> Declared:
    """What functions of this file are declared on. Raises StartError."""
    tree = _parsed(file, source)
    modules = dict(_modules(tree))
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            maker, module = _maker(node.value.func, modules)
            if isinstance(target, ast.Name) and maker in (*APPS, *BLUEPRINTS):
                return Declared(target.id, maker, module, node.value.func, node.lineno)
    hint = "Write `app = func.FunctionApp()` into it, or name another file with --file."
    raise StartError(f"{file} declares neither an app nor a blueprint. {hint}")


def _parsed(file: str, source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        place = f" line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise StartError(f"{file}{place}: {getattr(error, 'msg', error)}. Mend it first.") from error


def _modules(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What each imported name stands for: a module, or the module that a class is from."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node.module or "") for alias in node.names)


def _maker(call: ast.expr, modules: dict[str, str]) -> tuple[str, str]:
    """The class that is called, and the module it is from."""
    if isinstance(call, ast.Attribute):
        return call.attr, modules.get(ast.unparse(call.value), "")
    return (call.id, modules.get(call.id, "")) if isinstance(call, ast.Name) else ("", "")


def defines(file: str, source: str, name: str) -> bool:
    """Whether a function or class of this name is in the file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) and node.name == name for node in _parsed(file, source).body)


def with_function(file: str, source: str, template: str, *, is_durable: bool) -> str:
    """`source` with the function of `template`, a module of imports and then the function. Raises StartError."""
    newline = "\r\n" if "\r\n" in source else "\n"
    source = source.replace("\r\n", "\n")
    imports, body = _split(template)
    if is_durable:
        source = _made_durable(file, source)
    source = _with_imports(file, source, imports)
    return f"{source.rstrip()}\n\n\n{body.strip()}\n".replace("\n", newline)


def _split(template: str) -> tuple[list[str], str]:
    """The lines that import, and the text after them."""
    tree = ast.parse(template)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    last = max((node.end_lineno or 0 for node in imports), default=0)
    return [ast.unparse(node) for node in imports], "\n".join(template.splitlines()[last:])


def _made_durable(file: str, source: str) -> str:
    """The app or blueprint made by the class that has decorators for durable functions. Raises StartError."""
    declared = app_of(file, source)
    if declared.module == DURABLE_MODULE:
        return source
    if declared.maker not in DURABLE:
        hint = "Name another file with --file: a blueprint is made there."
        raise StartError(f"{file} declares an app of {declared.maker}, which has no durable functions. {hint}")
    data = source.encode("utf-8")
    lines = data.splitlines(keepends=True)
    call = declared.call
    begin = sum(map(len, lines[: call.lineno - 1])) + call.col_offset
    end = sum(map(len, lines[: (call.end_lineno or 1) - 1])) + (call.end_col_offset or 0)
    return (data[:begin] + f"{DURABLE_ALIAS}.{DURABLE[declared.maker]}".encode() + data[end:]).decode("utf-8")


def _with_imports(file: str, source: str, wanted: list[str]) -> str:
    """The imports that are missing stand after those above the app, since it may need them."""
    tree = _parsed(file, source)
    present = {ast.unparse(part) for node in tree.body for part in _single_imports(node)}
    missing = [text for text in wanted if text not in present]
    lines = source.splitlines()
    place = _import_place(tree, app_of(file, source).line)
    return "\n".join([*lines[:place], *missing, *lines[place:]])


def _single_imports(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.Import):
        yield from (ast.Import([alias]) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)


def _import_place(tree: ast.Module, app_line: int) -> int:
    """How many lines come before an import that is added."""
    above = [node for node in tree.body if node.lineno < app_line and isinstance(node, ast.Import | ast.ImportFrom)]
    if above:
        return above[-1].end_lineno or 0
    first = tree.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) if is_docstring and first.lineno < app_line else app_line - 1
