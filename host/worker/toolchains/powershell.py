"""PowerShell: the official worker, a program in .NET, runs scripts."""

import os
import shutil
from dataclasses import replace

from fnhost.host.app import App, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.discovery import find_worker
from fnhost.host.worker.toolchains.official import OfficialWorker, read_config, resolve
from fnhost.host.worker.toolchains.toolchain import DurableForm, Interpreter, Toolchain, find_executable

LANGUAGE = "powershell"
TITLE = "PowerShell"
NO_DOTNET = (
    "The worker for {} is a program in .NET, but there is no dotnet on PATH. Install the .NET runtime, or name it with "
    "the setting {}."
)


def find_dotnet(app: App, toolchain: Toolchain) -> Interpreter:
    """The setting's, or the one on PATH. Raises StartError."""
    if setting := app.settings.get(toolchain.executable_setting):
        return find_executable(setting, f"the setting {toolchain.executable_setting}", toolchain.title, app)
    if found := shutil.which("dotnet", path=app.settings.get("PATH")):
        return Interpreter(os.path.abspath(found), "PATH")
    raise StartError(NO_DOTNET.format(toolchain.title, toolchain.executable_setting))


def find_runtime(app: App, option: str | None) -> Interpreter:
    """Raises StartError."""
    return find_dotnet(app, POWERSHELL)


def find_powershell_worker(app: App, interpreter: Interpreter) -> tuple[OfficialWorker, str]:
    """Raises StartError."""
    directory, source = find_worker(app, LANGUAGE, TITLE)
    arguments = POWERSHELL.interpreter_arguments(app)[1]
    config = read_config(directory, app.settings)
    worker = resolve(config, app.settings, arguments, loads_in_turn=True)
    return replace(worker, manages_dependencies=manages_dependencies(app)), source


def manages_dependencies(app: App) -> bool:
    """Whether host.json says that the worker installs what requirements.psd1 lists."""
    section = app.config.raw.get("managedDependency")
    return isinstance(section, dict) and section.get("enabled", section.get("Enabled")) is True


def durable_form(settings: Settings) -> DurableForm:
    """The SDK in the worker, or the external one (platform/durable-powershell.md 1)."""
    is_external = (settings.get("ExternalDurablePowerShellSDK") or "").strip().lower() == "true"
    return "powershell-typed" if is_external else "powershell"


POWERSHELL = Toolchain(
    language=LANGUAGE,
    title=TITLE,
    find_interpreter=find_runtime,
    find_official=find_powershell_worker,
    script_suffixes=(".ps1", ".psm1"),
    default_scripts=("run.ps1",),
    watched_files=("requirements.psd1",),
    variables={"PSWorkerInProcConcurrencyUpperBound": "1000"},
    durable_form=durable_form,
)
