"""The languages that the host can run, one value for each.

A new language is a worker program in host/worker/languages, a module here, and a line in TOOLCHAINS.
"""

from collections.abc import Mapping

from fnhost.host.app import Settings
from fnhost.host.worker.toolchains.node import NODE
from fnhost.host.worker.toolchains.python import PYTHON
from fnhost.host.worker.toolchains.toolchain import Toolchain

TOOLCHAINS: Mapping[str, Toolchain] = {toolchain.language: toolchain for toolchain in (PYTHON, NODE)}
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


def likely_toolchain(settings: Settings) -> Toolchain:
    """What will run an app that has not been read yet, as far as its settings tell."""
    return TOOLCHAINS.get((settings.get(RUNTIME) or "").lower(), LIKELIEST)


def script_suffixes(language: str) -> tuple[str, ...]:
    """Those of the language; those of all languages where it is not known."""
    toolchain = TOOLCHAINS.get(language)
    return toolchain.script_suffixes if toolchain else tuple(BY_SUFFIX)


def foreign_package_folders(language: str) -> frozenset[str]:
    """Folders of installed packages that belong to other languages than this one."""
    toolchain = TOOLCHAINS.get(language)
    return PACKAGE_FOLDERS - frozenset(toolchain.package_folders if toolchain else ())
