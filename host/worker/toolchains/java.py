"""Java: the official worker runs the jars of an app that Maven or Gradle has packaged."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from fnhost.host.app import App, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.builds import staleness
from fnhost.host.worker.toolchains.discovery import find_worker
from fnhost.host.worker.toolchains.official import OfficialWorker, read_config, resolve
from fnhost.host.worker.toolchains.toolchain import Interpreter, Toolchain, find_executable

LANGUAGE = "java"
TITLE = "Java"
PROJECT_FILES = ("pom.xml", "build.gradle", "build.gradle.kts")
STAGED = ("target/azure-functions", "build/azure-functions")
"""Where the plug-ins of Maven and Gradle put an app, in a folder of its name."""
NO_JAVA = "The app is written for Java, but JAVA_HOME is not set and there is no java on PATH. Install a JDK, 17 or 21."


def find_java(app: App, option: str | None) -> Interpreter:
    """The setting's, that of JAVA_HOME, the one on PATH. Raises StartError."""
    if setting := app.settings.get(JAVA.executable_setting):
        return find_executable(setting, f"the setting {JAVA.executable_setting}", TITLE, app)
    if home := app.settings.get("JAVA_HOME"):
        return find_executable(str(Path(home, "bin", "java")), "JAVA_HOME", TITLE, app)
    if found := shutil.which("java", path=app.settings.get("PATH")):
        return Interpreter(os.path.abspath(found), "PATH")
    raise StartError(NO_JAVA)


def find_java_worker(app: App, interpreter: Interpreter) -> tuple[OfficialWorker, str]:
    """Raises StartError."""
    directory, source = find_worker(app, LANGUAGE, TITLE)
    arguments = JAVA.interpreter_arguments(app)[1]
    return resolve(read_config(directory, app.settings), app.settings, arguments), source


def unpackaged(root: Path) -> str:
    """Where the app lies that is made of a project's sources; empty if this is no project."""
    if not any((root / name).is_file() for name in PROJECT_FILES):
        return ""
    found = [each for folder in STAGED for each in sorted(root.glob(f"{folder}/*/host.json"))]
    start = f"fnhost start {found[0].parent.relative_to(root)}" if found else "fnhost start target/azure-functions/NAME"
    package = "" if found else "Package it first: mvn package. "
    return f"This is the source of an app in Java, which runs as it is packaged. {package}Then: {start}"


def stale_warnings(root: Path, settings: Settings) -> Iterable[str]:
    """A sentence if the sources are newer than the jars."""
    sentence = staleness(root, root.glob("*.jar"), PROJECT_FILES, (".java", ".kt"), "mvn package")
    return [sentence] if sentence else []


JAVA = Toolchain(
    language=LANGUAGE,
    title=TITLE,
    find_interpreter=find_java,
    find_official=find_java_worker,
    script_suffixes=(".jar",),
    unbuilt=unpackaged,
    setting_warnings=stale_warnings,
    durable_form=lambda settings: "protobuf",
    settles=0.3,
    debugger_arguments="-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:{}",
    debugger_port=5005,
)
