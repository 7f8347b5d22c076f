"""Node: its scripts are known, so that an app is read and its faults are named; its worker program is not there yet."""

from fnhost.host.app import App
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.toolchain import PROGRAMS, Interpreter, Toolchain


def find_node(app: App, option: str | None) -> Interpreter:
    raise StartError("Apps for Node are not served yet. This host runs Python apps.")


NODE = Toolchain(
    language="node",
    title="Node",
    program=PROGRAMS / "node" / "start.js",
    find_interpreter=find_node,
    script_suffixes=(".js", ".mjs", ".cjs"),
    default_scripts=("index.js", "index.mjs", "index.cjs"),
    package_folders=("node_modules",),
)
