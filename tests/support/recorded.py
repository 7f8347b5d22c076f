"""A host over the app of a recording, with a program in the place of its official worker; and the steps taken there.

As a program it makes recordings anew, with a real worker: `python -m tests.support.recorded NAME COMMAND...`, where
COMMAND starts the worker. The app and the steps are those that the recording has. What lies in the folders `APP_FILES`
and `WORKER_FILES` is laid over the app and the worker's folder: packages, or what a build has made.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support import recording_worker, replaying_worker
from tests.support.conversations import Names, Recording, read, with_placeholders, write
from tests.support.durable import WEBHOOKS
from tests.support.hosts import Host, running, write_app

SQLITE = {"AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "sqlite"}
ASKING = {"user-agent": "test", "accept": "*/*", "accept-encoding": "identity"}
LEFT_OUT = ("start_stream", "worker_status_request", "worker_status_response", "worker_terminate", "invocation_cancel")
"""What a recording does not hold: the start is the player's own, the others depend on time."""
MACHINE = re.compile(r"(?:/(?:tmp|root|home|opt|work|usr|var)(?:/[^\s/:'\"\\),]+)+)")
NODE = '#!/bin/sh\n[ "$1" = --version ] && echo v20.0.0 && exit\nexec {} "$@"\n'
"""A played worker for Node runs under what is no Node, and says that it is one."""


@contextmanager
def held(recording: Recording, program: str, folder: Path, **settings: str) -> Iterator[Host]:
    """`program` is the file that the host takes for the worker; its settings are environment variables."""
    app, worker = write_app(folder / "app", recording.app), folder / "worker"
    description = {"language": recording.language, "extensions": [], "defaultWorkerPath": "worker.py"}
    interpreter = _interpreter(recording.language, folder)
    files = {
        "worker.py": Path(program).read_text("utf-8"),
        "worker.config.json": json.dumps(
            {"description": {**description, "defaultExecutablePath": interpreter, **recording.description}}
        ),
    }
    write_app(worker, files)
    for name, place in (("APP_FILES", app), ("WORKER_FILES", worker)):
        if extra := settings.pop(name, ""):
            shutil.copytree(extra, place, symlinks=True, dirs_exist_ok=True)
    told = {
        "FUNCTIONS_WORKER_RUNTIME": recording.language,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        f"languageWorkers__{recording.language}__workerDirectory": str(worker),
        f"languageWorkers__{recording.language}__defaultExecutablePath": interpreter,
    }
    with running(app, **SQLITE, **told, **settings) as host:
        yield host


def _interpreter(language: str, folder: Path) -> str:
    if language != "node":
        return sys.executable
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "node"
    file.write_text(NODE.format(sys.executable), "utf-8")
    file.chmod(0o755)
    return str(file)


def played(name: str, recording: Recording, folder: Path) -> Any:
    """A host whose worker says what it said in the recording of this name."""
    return held(recording, replaying_worker.__file__, folder, RECORDING=name)


def taken(host: Host, step: Mapping[str, Any]) -> Any:
    """A request with its answer, or an instance as it is when it has ended."""
    if "instance" in step:
        return host.until(f"{WEBHOOKS}/instances/{step['instance']}", runtimeStatus=step["status"])
    headers = {**ASKING, **step.get("headers", {})}
    body = step.get("body", "").encode()
    answer = host.client.request(step["method"], step["path"], headers=headers, content=body or None)
    kept = {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
    return {"status": answer.status_code, "headers": kept, "body": answer.text}


# --- making one -------------------------------------------------------------------------------------------------------


def record(name: str, command: Sequence[str]) -> None:
    recording = read(name)
    with TemporaryDirectory() as made:
        folder = Path(made).resolve()
        settings = {"RECORDED_COMMAND": json.dumps(list(command)), "RECORDED_INTO": str(folder)}
        extra = {name: os.environ[name] for name in ("APP_FILES", "WORKER_FILES") if name in os.environ}
        with held(recording, recording_worker.__file__, folder, **settings, **extra) as host:
            answers = [taken(host, step) for step in recording.steps]
            print(host.output.text)
        names = Names({str(folder / "app"): "{app}", str(folder / "worker"): "{worker}"})
        frames = with_placeholders(list(spoken(folder)), names)
        write(name, replace(recording, frames=scrubbed(frames), answers=scrubbed(with_placeholders(answers, names))))


def spoken(folder: Path) -> Iterator[list[Any]]:
    """What the process that was given work said and was told."""
    for file in folder.glob("*.jsonl"):
        frames = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        if any("invocation_request" in frame for _, frame in frames):
            yield from (frame for frame in frames if is_kept(frame[1]))


def is_kept(frame: Mapping[str, Any]) -> bool:
    """Of what the worker's own program logs, only what it warns of."""
    log = frame.get("rpc_log", {})
    is_chatter = log.get("log_category") == "SYSTEM" and log.get("level") in ("TRACE", "DEBUG", "INFORMATION")
    return not is_chatter and not any(name in frame for name in LEFT_OUT)


def scrubbed(value: Any) -> Any:
    """Without the places of this machine."""
    return json.loads(MACHINE.sub("/elsewhere", json.dumps(value)))


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
