"""The languages that the host can run, one value for each.

A new language is a worker program in host/worker/languages, a module here, and a line in TOOLCHAINS.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fnhost.host.app import App, Settings
from fnhost.host.worker.toolchains.custom import CUSTOM
from fnhost.host.worker.toolchains.dotnet import DOTNET
from fnhost.host.worker.toolchains.java import JAVA
from fnhost.host.worker.toolchains.node import NODE
from fnhost.host.worker.toolchains.powershell import POWERSHELL
from fnhost.host.worker.toolchains.python import PYTHON
from fnhost.host.worker.toolchains.toolchain import Toolchain

TOOLCHAINS: Mapping[str, Toolchain] = {
    toolchain.language: toolchain for toolchain in (PYTHON, NODE, CUSTOM, JAVA, POWERSHELL, DOTNET)
}
"""By language."""
BY_SUFFIX: Mapping[str, Toolchain] = {
    suffix: toolchain for toolchain in TOOLCHAINS.values() for suffix in toolchain.script_suffixes
}
"""By the suffix of a script."""
DEFAULT_SCRIPTS = frozenset(name for toolchain in TOOLCHAINS.values() for name in toolchain.default_scripts)
PACKAGE_FOLDERS = frozenset(name for toolchain in TOOLCHAINS.values() for name in toolchain.package_folders)
LIKELIEST = PYTHON
"""The language of an app that has not been read yet and whose settings name none."""
RUNTIME = "FUNCTIONS_WORKER_RUNTIME"


def likely_toolchain(settings: Settings, root: Path) -> Toolchain:
    """What will run an app that has not been read yet, as far as its settings and the files at its root tell."""
    if runtime := settings.get(RUNTIME):
        return TOOLCHAINS.get(runtime.lower(), LIKELIEST)
    found = (each for each in TOOLCHAINS.values() if each.project_file and (root / each.project_file).is_file())
    return next(found, LIKELIEST)


def script_suffixes(languages: Sequence[str]) -> tuple[str, ...]:
    """Those of the languages; those of all where none is known."""
    suffixes = tuple(suffix for suffix, toolchain in BY_SUFFIX.items() if toolchain.language in languages)
    return suffixes or tuple(BY_SUFFIX)


def watched_files(app: App) -> tuple[str, ...]:
    """Names of files that matter in the app's languages beside its own."""
    toolchains = [TOOLCHAINS[language] for language in app.languages]
    return tuple(name for each in toolchains for name in (*each.watched_files, *each.loaded_files(app)))


def settling_time(app: App) -> float:
    """Seconds without a further change after which a change of the app counts."""
    return max((TOOLCHAINS[language].settles for language in app.languages), default=0.0)


def unbuilt(root: Path) -> str:
    """A sentence on where the app lies that is built from the sources in a folder; empty if there are none."""
    return next(filter(None, (toolchain.unbuilt(root) for toolchain in TOOLCHAINS.values())), "")


def foreign_package_folders(languages: Sequence[str]) -> frozenset[str]:
    """Folders of installed packages that belong to other languages than these."""
    return PACKAGE_FOLDERS.difference(*(TOOLCHAINS[language].package_folders for language in languages))
