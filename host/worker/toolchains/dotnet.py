"""C# and F# in the isolated model: the worker is the app itself, in the output of its build."""

from collections.abc import Iterable
from pathlib import Path

from fnhost.host.app import App, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.builds import staleness
from fnhost.host.worker.toolchains.official import CONFIG_FILE, OfficialWorker, WorkerConfig, read_config, resolve
from fnhost.host.worker.toolchains.powershell import find_dotnet
from fnhost.host.worker.toolchains.toolchain import Interpreter, Toolchain, find_executable

LANGUAGE = "dotnet-isolated"
TITLE = ".NET"
ROOT = "{WorkerRoot}"
PROJECTS = ("*.csproj", "*.fsproj", "*.vbproj")
NO_CONFIG = (
    "There is no {} in '{}'. An app in C# runs from the output of its build: run dotnet build, and start fnhost in "
    "bin/Debug/net8.0 or what yours is called. Only the isolated model has that file: the in-process model "
    "(FUNCTIONS_WORKER_RUNTIME dotnet) runs in no other host than Azure's own."
)


def find_runtime(app: App, option: str | None) -> Interpreter:
    """What the app's own worker.config.json names: dotnet, or the app where it brings its runtime. Raises StartError.

    The setting comes first.
    """
    if app.settings.get(DOTNET.executable_setting):
        return find_dotnet(app, DOTNET)
    written = _config(app).executable
    if ROOT in written:
        path = app.root / written.replace(ROOT, "").lstrip("/\\")
        return find_executable(str(path), CONFIG_FILE, TITLE, app)
    return find_dotnet(app, DOTNET) if written in ("", "dotnet") else find_executable(written, CONFIG_FILE, TITLE, app)


def find_own_worker(app: App, interpreter: Interpreter) -> tuple[OfficialWorker, str]:
    """Raises StartError."""
    worker = resolve(_config(app), app.settings, DOTNET.interpreter_arguments(app)[1])
    return worker, "the app's own build"


def _config(app: App) -> WorkerConfig:
    """Raises StartError."""
    if not (app.root / CONFIG_FILE).is_file():
        raise StartError(NO_CONFIG.format(CONFIG_FILE, app.root))
    return read_config(app.root, app.settings)


def index_file(root: Path, settings: Settings) -> str:
    """The file that a build of the isolated model leaves; empty if this is none."""
    return CONFIG_FILE if (root / CONFIG_FILE).is_file() else ""


def unbuilt(root: Path) -> str:
    """Where the app lies that is made of a project's sources; empty if this is no project."""
    if not any(next(root.glob(pattern), None) for pattern in PROJECTS) or (root / CONFIG_FILE).is_file():
        return ""
    outputs = sorted(root.glob(f"bin/**/{CONFIG_FILE}"), key=lambda path: path.stat().st_mtime)
    start = f"fnhost start {outputs[-1].parent.relative_to(root)}" if outputs else "fnhost start bin/Debug/net8.0"
    build = "" if outputs else "Build it first: dotnet build. "
    return f"This is the source of an app in .NET, which runs as it is built. {build}Then: {start}"


def stale_warnings(root: Path, settings: Settings) -> Iterable[str]:
    """A sentence if the sources are newer than the assemblies."""
    sentence = staleness(root, root.glob("*.dll"), PROJECTS, (".cs", ".fs", ".vb"), "dotnet build")
    return [sentence] if sentence else []


DOTNET = Toolchain(
    language=LANGUAGE,
    title=TITLE,
    find_interpreter=find_runtime,
    find_official=find_own_worker,
    script_suffixes=(".dll",),
    index_file=index_file,
    watched_files=(CONFIG_FILE, "functions.metadata", "appsettings.json"),
    unbuilt=unbuilt,
    setting_warnings=stale_warnings,
    stands_by=False,
    durable_form=lambda settings: "protobuf",
    settles=0.3,
)
