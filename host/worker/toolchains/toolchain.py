"""What the host knows of a language: a value for each, so that shared code names none."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fnhost.host.app import App, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.debugger import DebugAddress, ReadArguments, split
from fnhost.host.worker.toolchains.handler import CustomHandler
from fnhost.host.worker.toolchains.official import OfficialWorker

PROGRAMS = Path(__file__).parents[1] / "languages"
"""The folder that holds a worker program for each language."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What runs a worker program. `source` says, in words for the user, where it was found."""

    executable: str
    source: str

    def __str__(self) -> str:
        return f"{self.executable} ({self.source})"


FindInterpreter = Callable[[App, str | None], Interpreter]
"""The interpreter for an app. The second argument is what the command line names. Raises StartError."""


FindOfficial = Callable[[App, Interpreter], tuple[OfficialWorker, str] | None]
"""The official worker that runs an app, and where it was found; None where our own does. Raises StartError."""


MissingModules = Callable[[Path, Interpreter, Iterable[str]], str]
"""A sentence on what is not installed, of the app's root and the worker's words; empty if that is not the cause."""


DurableForm = Literal["json", "protobuf", "powershell", "powershell-typed"]
"""How durable functions are spoken to (platform/replay.md, durable-protobuf.md, durable-powershell.md)."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A language whose apps the host can run.

    `language` is the value of FUNCTIONS_WORKER_RUNTIME. `program` is the file that the interpreter runs; None if the
    interpreter is all there is.
    """

    language: str
    title: str
    find_interpreter: FindInterpreter
    program: Path | None = None
    handler: Callable[[App], CustomHandler] | None = field(default=None, repr=False)
    """What serves the functions over HTTP, where that is not a worker program. Raises StartError."""
    find_official: FindOfficial = field(default=lambda app, interpreter: None, repr=False)
    """What runs the app in the place of `program`, or where there is no program."""
    script_suffixes: tuple[str, ...] = ()
    """Suffixes of the files that can hold a function; their changes reload the app (platform/lifecycle.md 5)."""
    default_scripts: tuple[str, ...] = ()
    """File names that are a function's script when it names none and has several files (platform/app-files.md 4)."""
    default_entry_point: str = ""
    package_folders: tuple[str, ...] = ()
    """Folders of installed packages at the app's root; their changes reload the app (platform/lifecycle.md 5)."""
    project_file: str = ""
    """The file at the root of an app in this language that lists its packages."""
    watched_files: tuple[str, ...] = ()
    """Names of other files that say what is loaded, and how; their changes reload the app."""
    loaded_files: Callable[[App], Sequence[str]] = field(default=lambda app: (), repr=False)
    """Names of further such files, which the app itself names."""
    index_file: Callable[[Path, Settings], str] = field(default=lambda root, settings: "", repr=False)
    """The file, relative to the app, that makes the worker list the functions; empty where folders declare them."""
    index_replaces_folders: bool = False
    """Whether such a file alone decides: folders with a function.json are then not loaded."""
    is_index_certain: Callable[[Path], bool] = field(default=lambda root: True, repr=False)
    """Whether such a file tells of functions even in an app that nothing else says is in this language."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of a worker that the app's settings may override (platform/settings.md 4)."""
    installed: Callable[[str], Sequence[Path]] = field(default=lambda executable: (), repr=False)
    """Folders in which a change means that packages were installed for this interpreter."""
    setting_warnings: Callable[[Path, Settings], Iterable[str]] = field(default=lambda root, settings: (), repr=False)
    """Sentences on settings of this language without effect, or that cannot be used, and on a build that is old."""
    missing_modules: MissingModules = field(default=lambda root, interpreter, failures: "", repr=False)
    unbuilt: Callable[[Path], str] = field(default=lambda root: "", repr=False)
    """A sentence on where the app lies that is built from the sources in a folder; empty if there are none."""
    settles: float = 0.0
    """Seconds without a further change after which a change counts: a build writes file by file."""
    stands_by: bool = True
    """Whether a worker may be started before it is known what it has to load."""
    durable_form: Callable[[Settings], DurableForm] = field(default=lambda settings: "json", repr=False)
    """In which form its durable functions speak, unless their SDK says that it is protobuf."""
    read_debugger: ReadArguments = field(default=lambda arguments: (None, arguments), repr=False)
    """The debugger that the interpreter's own arguments ask for."""
    debugger_arguments: str = ""
    """Arguments that ask for it, with `{}` for the port."""
    debugger_port: int = 0
    """The port at which editors look for it."""
    debugged_arguments: tuple[str, ...] = ()
    """More arguments of an interpreter whose worker joins a debugger."""
    debugged_variables: Callable[[DebugAddress], Mapping[str, str]] = field(default=lambda debug: {}, repr=False)
    """Environment variables of a worker that joins a debugger."""

    @property
    def arguments_setting(self) -> str:
        """The app setting with the interpreter's own arguments, a debugger's for example."""
        return f"languageWorkers:{self.language}:arguments"

    @property
    def executable_setting(self) -> str:
        return f"languageWorkers:{self.language}:defaultExecutablePath"

    def interpreter_arguments(self, app: App) -> tuple[DebugAddress | None, Sequence[str]]:
        """The debugger that they ask for, and the other arguments. Raises StartError."""
        return self.read_debugger(split(app.settings.get(self.arguments_setting) or "", self.arguments_setting))

    def ask_for_debugger(self, port: int) -> str:
        """What the setting says for a debugger at this port, 0 for the usual one."""
        return self.debugger_arguments.format(port or self.debugger_port)


def find_executable(name: str, source: str, title: str, app: App) -> Interpreter:
    """A path or a name on the app's PATH, which `source` gave. Raises StartError."""
    if found := shutil.which(name, path=app.settings.get("PATH")):
        return Interpreter(os.path.abspath(found), source)
    raise StartError(f"The {title} that {source} names does not exist: {name}. Give a path or a name found on PATH.")
