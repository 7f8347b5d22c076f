"""Official workers as a host meets them: their command lines, capabilities and habits, played by scripted_worker.py."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("scripted_worker.py")
OLD = {"address_option": "--functions-uri", "id_option": "--workerId", "request_option": "--requestId"}
NEW = {
    "address_option": "--functions-uri",
    "id_option": "--functions-worker-id",
    "request_option": "--functions-request-id",
}
COMMON = ("RpcHttpBodyOnly", "WorkerStatus")
TYPED = (*COMMON, "RpcHttpTriggerMetadataRemoved", "TypedDataCollection")


def profile(arguments: Mapping[str, str], *capabilities: str, **habits: bool) -> dict[str, Any]:
    usual = {"own_request_ids": False, "terminates": False, "outlives_its_stream": False, "lists": False}
    return {**arguments, "capabilities": capabilities, **usual, **habits}


PROFILES: Mapping[str, dict[str, Any]] = {
    "python": profile(OLD, *TYPED, "RawHttpBodyBytes", own_request_ids=True, outlives_its_stream=True),
    "node": profile(
        NEW,
        *(*TYPED, "RawHttpBodyBytes", "UseNullableValueDictionaryForHttp", "IgnoreEmptyValuedRpcHttpHeaders"),
        "HandlesWorkerTerminateMessage",
        terminates=True,
    ),
    "java": profile(NEW, *TYPED, "HandlesWorkerTerminateMessage", terminates=True),
    "powershell": profile(OLD, *COMMON),
    "dotnet-isolated": profile(
        NEW,
        *(*TYPED, "RawHttpBodyBytes", "UseNullableValueDictionaryForHttp", "IncludeEmptyEntriesInMessagePayload"),
        *("HandlesWorkerTerminateMessage", "HandlesInvocationCancelMessage", "EnableUserCodeException"),
        terminates=True,
        outlives_its_stream=True,
        lists=True,
    ),
}


def settings(language: str, played: Mapping[str, Any], workers: Path) -> dict[str, str]:
    """What a host is started with to run a language in a played worker, whose description is written to `workers`."""
    write_config(workers / language, language)
    return {
        "FUNCTIONS_WORKER_RUNTIME": language,
        "PROFILE": json.dumps(played),
        "PYTHONPATH": str(PROGRAM.parents[2]),
        f"languageWorkers__{language}__workerDirectory": str(workers / language),
        f"languageWorkers__{language}__defaultExecutablePath": sys.executable,
    }


def write_config(folder: Path, language: str, **description: object) -> Path:
    """A worker.config.json, and the program that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worker.py").write_text(PROGRAM.read_text("utf-8"), "utf-8")
    told = {"language": language, "extensions": [], "defaultExecutablePath": sys.executable}
    file = folder / "worker.config.json"
    file.write_text(json.dumps({"description": {**told, "defaultWorkerPath": "worker.py", **description}}), "utf-8")
    return file
