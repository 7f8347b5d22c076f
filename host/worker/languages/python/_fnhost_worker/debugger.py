"""debugpy, from the app's own packages: in a worker, and in the process that stands for the parent of all workers.

debugpy debugs the children of a process in sessions of their own, which its client opens with the breakpoints that it
has. What a child needs to know is `pydevd.SetupHolder.setup` of the parent, and what it calls is `pydevd.settrace`:
that is how debugpy itself lets children join. The parent serves the client's connection, and runs nothing else; so the
client stays attached while workers come and go.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from typing import Any, Iterator

from .errors import title
from .wire import Message, connect

PACKAGE = "FNHOST_DEBUGGER"
"""The environment variable with the folder of debugpy; `debugpy` alone is the app's."""
CLIENTS_PATIENCE = 3.0
"""Seconds that a client may take to open the session of a new worker. User code runs then, without breakpoints."""
NOT_JOINED = (
    "The client of the debugger did not attach to this worker within {:.0f} s: breakpoints in it are not hit. A client "
    "has to follow child processes (the event debugpyAttach or the request startDebugging), as VS Code does."
)
LOCALHOST = "127.0.0.1"


def preload() -> None:
    """Import it before it is needed, in a worker that will join. What fails fails again, in words, when it joins."""
    if os.environ.get(PACKAGE):
        with contextlib.suppress(Exception):
            _modules()


def _modules() -> tuple[Any, Any]:
    """`debugpy` with its server, and `pydevd`. Raises what their import raises."""
    with _first_on_path(os.path.dirname(os.environ.get(PACKAGE, ""))):
        importlib.import_module("debugpy.server.api")
    return sys.modules["debugpy"], sys.modules["pydevd"]


@contextlib.contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    """Nothing is changed for the empty path: on `sys.path` it would mean the working directory."""
    if folder:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder:
            sys.path.remove(folder)


def join(setup: dict[str, Any]) -> str:
    """Let this process be debugged as a child of the one that `setup` is of. Why it is not, or empty.

    The calling thread waits until the client has set its breakpoints; without a client there is nothing to wait for.
    """
    try:
        debugpy, pydevd = _modules()
        with _Patience(pydevd) as patience:
            pydevd.settrace(
                host=setup["client"],
                port=setup["port"],
                suspend=False,
                patch_multiprocessing=True,
                notify_stdin=False,
                dont_trace_start_patterns=(_folder(debugpy.__file__), _folder(os.path.dirname(__file__))),
                access_token=setup.get("access-token"),
                client_access_token=setup.get("client-access-token"),
                __setup_holder__=setup,
            )
    except BaseException as error:  # pydevd may exit where it cannot connect
        return title(error)
    return NOT_JOINED.format(CLIENTS_PATIENCE) if patience.is_over else ""


def _folder(file: str) -> str:
    """One whose code the debugger does not show."""
    return os.path.join(os.path.dirname(os.path.abspath(file)), "")


class _Patience:
    """A block in which pydevd waits for the client, and not longer than CLIENTS_PATIENCE."""

    def __init__(self, pydevd: Any) -> None:
        self._pydevd = pydevd
        self._timer = threading.Timer(CLIENTS_PATIENCE, self._end)
        self._timer.daemon = True
        self.is_over = False

    def __enter__(self) -> _Patience:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        debugger = self._pydevd.get_global_debugger()
        if debugger is not None and not debugger.ready_to_run:
            self.is_over = True
            debugger.ready_to_run = True


def serve() -> None:
    """Be the parent: listen, tell the host where and what children need to know, and stay until the host is gone."""
    wire = connect()
    wire.send({"t": "debuggerStarted", **_listen()})
    for _ in wire.receive():
        pass
    os._exit(0)


def _listen() -> Message:
    try:
        debugpy, pydevd = _modules()
    except ImportError as error:
        return {"missing": error.name or "debugpy", "failure": title(error)}
    try:
        _, port = debugpy.listen((LOCALHOST, 0))
        return {"port": port, "setup": {**pydevd.SetupHolder.setup, "ppid": os.getpid()}}
    except Exception as error:
        return {"failure": f"debugpy {debugpy.__version__}: {title(error)}"}
