"""`fnhost new`: a function from a template, in the way that the app's programming model declares functions."""

import keyword
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fnhost.host.commands.scaffold import npm
from fnhost.host.commands.scaffold.catalog import TEMPLATES, FunctionTemplate, template_named, templates_of
from fnhost.host.commands.scaffold.dependencies import PACKAGE_FILE, add_durable
from fnhost.host.commands.scaffold.files import filled, read_text, template_files, write_text
from fnhost.host.commands.scaffold.init import SOURCES, InitOptions, model_for, write_project
from fnhost.host.commands.scaffold.models import NODE_V4, PYTHON_V2, TYPESCRIPT_V4, Model, model_of
from fnhost.host.commands.scaffold.prompts import ask, choose, confirm, is_interactive, require_terminal
from fnhost.host.commands.scaffold.python_source import BLUEPRINTS, app_of, defines, with_function
from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import likely, merge
from fnhost.host.load.root import find_root, is_project
from fnhost.host.worker.toolchains.indexing import is_index_file_name, python_index_file, read_package

NOT_SAID = "Say both: --template and --name. The templates are: {}."
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
NAME_RULE = "It begins with a letter, followed by at most 127 letters, digits, dashes and underscores."
NAME_IN_PYTHON = "It is a name in Python as well: letters, digits and underscores, and no keyword."
NAME_IN_TYPESCRIPT = "It is a name in TypeScript as well: letters, digits and underscores."
REQUIRE = re.compile(r"^const (\{ \w+ \}|\w+) = require\(('[^']+')\)", re.MULTILINE)
BLUEPRINT = "import azure.functions as func\n\nbp = func.Blueprint()\n"


@dataclass(frozen=True, slots=True)
class NewOptions:
    """What the command line says of a new function; None where it says nothing."""

    template: str | None = None
    name: str | None = None
    level: str | None = None
    file: str | None = None
    force: bool = False
    project: InitOptions = field(default_factory=InitOptions)
    """For an app that has to be made first."""


def new(folder: Path, options: NewOptions, environment: Mapping[str, str]) -> int:
    """Raises StartError."""
    if options.template is None or options.name is None:
        require_terminal(NOT_SAID.format(", ".join(template.title for template in TEMPLATES)))
    root, is_missing = _root(folder.absolute())
    model = model_for(root, options.project) if is_missing else model_of(root, environment, options.project.language)
    template = _template(model, options)
    name = _name(model, template, options)
    if is_missing:
        write_project(root, model, options.project, environment)
    _write(root, model, template, name, options, environment)
    if template.is_durable and (changed := add_durable(root, model)):
        print(f"The package for durable functions was added to {changed}.")
        _install(root, changed, options, environment)
    print(f'The function "{name}" was created successfully from the "{template.title}" template.')
    return 0


def _root(folder: Path) -> tuple[Path, bool]:
    """The app that `folder` is in, or `folder` itself where there is none; and whether one has to be made."""
    is_missing = not any(map(is_project, (folder, *folder.parents)))
    return (folder if is_missing else find_root(folder)), is_missing


def _template(model: Model, options: NewOptions) -> FunctionTemplate:
    titles = [template.title for template in templates_of(model)]
    return template_named(options.template or choose("template", titles), model)


def _name(model: Model, template: FunctionTemplate, options: NewOptions) -> str:
    default = template.default_for(model)
    name = options.name or ask(f"Function name: [{default}] ", default)
    if not NAME.fullmatch(name):
        raise StartError(f"'{name}' cannot be the name of a function. {NAME_RULE}")
    if model == PYTHON_V2 and (not name.isidentifier() or keyword.iskeyword(name)):
        raise StartError(f"'{name}' cannot be the name of a function. {NAME_IN_PYTHON}")
    if model == TYPESCRIPT_V4 and "-" in name:
        raise StartError(f"'{name}' cannot be the name of a function. {NAME_IN_TYPESCRIPT}")
    return name


def _write(
    root: Path,
    model: Model,
    template: FunctionTemplate,
    name: str,
    options: NewOptions,
    environment: Mapping[str, str],
) -> None:
    level = (options.level or ("anonymous" if model.family == NODE_V4 else "function")).lower()
    values = {"name": name, "authLevel": level, "AUTHLEVEL": level.upper()}
    if model == PYTHON_V2:
        _add_to_source(root, template, values, options, environment)
    elif model.family == NODE_V4:
        text = filled(template.place(model), values)
        is_module = model == NODE_V4 and read_package(root).get("type") == "module"
        suffix = ".ts" if model == TYPESCRIPT_V4 else ".js"
        file = f"{SOURCES}/{options.file or f'{name}{suffix}'}"
        _write_file(root, file, with_imports(text) if is_module else text, options)
    else:
        _write_folder(root, name, template_files(template.place(model), values), options)


def with_imports(text: str) -> str:
    """A script for an app of ES modules: `import` where the template requires, also what has one export alone."""
    return REQUIRE.sub(r"import \1 from \2", text)


def _write_folder(root: Path, name: str, files: Mapping[str, str], options: NewOptions) -> None:
    if options.file:
        raise StartError("--file is for functions that are declared in code. This app has a folder for each function.")
    if (root / name).exists():
        _require_leave(f"A directory with the name {name}", options)
        shutil.rmtree(root / name)
    for file, text in files.items():
        _write_told(root, f"{name}/{file}", text)


def _write_file(root: Path, file: str, text: str, options: NewOptions) -> None:
    if (root / file).exists():
        _require_leave(f"A file with the name {Path(file).name}", options)
    _write_told(root, file, text)


def _require_leave(what: str, options: NewOptions) -> None:
    """Raises StartError unless it may be replaced."""
    if options.force:
        return
    if not is_interactive():
        raise StartError(f"{what} already exists. Choose another --name, or replace it with --force.")
    if not confirm(f"{what} already exists. Overwrite"):
        raise StartError("The function couldn't be created.")


def _add_to_source(
    root: Path,
    template: FunctionTemplate,
    values: Mapping[str, str],
    options: NewOptions,
    environment: Mapping[str, str],
) -> None:
    index = python_index_file(root, merge(environment, likely(root))) or "function_app.py"
    file = options.file or index
    if not is_index_file_name(file):
        raise StartError(
            f"'{file}' cannot hold functions. Name a Python file in the root of the app, without a folder."
        )
    source = read_text(root / file) if (root / file).exists() else BLUEPRINT
    if defines(file, source, values["name"]):
        raise StartError(f"{file} has a function {values['name']} already. Choose another --name.")
    text = filled(template.place(PYTHON_V2), {**values, "app": app_of(file, source).name})
    source = with_function(file, source, text, is_durable=template.is_durable)
    print(f"{'Appending to' if (root / file).exists() else 'Writing'} {file}")
    write_text(root / file, source)
    _tell_of_blueprint(root, file, index)


def _tell_of_blueprint(root: Path, file: str, index: str) -> None:
    """A blueprint serves nothing until the app registers it."""
    found = app_of(file, read_text(root / file))
    module = Path(file).stem
    if found.maker in BLUEPRINTS and module not in read_text(root / index):
        print(f"Register it in {index}: from {module} import {found.name}; app.register_functions({found.name})")


def _write_told(root: Path, file: str, text: str) -> None:
    print(f"Writing {file}")
    write_text(root / file, text)


def _install(root: Path, changed: str, options: NewOptions, environment: Mapping[str, str]) -> None:
    """npm installs by itself, as in the official tool; Python's environment is the user's own."""
    if changed != PACKAGE_FILE:
        print(f"Install it into the app's environment: pip install -r {changed}")
    elif options.project.installs:
        npm.install(root, environment)
