"""Retry policies: the host calls a function again inside one event (platform/app-files.md 6)."""

import json
from pathlib import Path

import pytest

from tests.support.hosts import http, running, write_app

FLAKY = """
import azure.functions as func

def main(req: func.HttpRequest, context: func.Context) -> str:
    retry = context.retry_context
    print(f"try {retry.retry_count} of {retry.max_retry_count} after {retry.exception.message}.")
    if retry.retry_count < int(req.params["failing"]):
        raise ValueError(f"failure {retry.retry_count}")
    return f"succeeded after {retry.retry_count}"
"""
FIXED = {"strategy": "FixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:00"}
EXPONENTIAL = {
    "strategy": "exponentialBackoff",
    "maxRetryCount": -1,
    "minimumInterval": "00:00:00.01",
    "maximumInterval": "00:00:00.02",
}


def app(root: Path, retry: dict[str, object]) -> Path:
    function = json.dumps({**json.loads(http()), "retry": retry})
    return write_app(root, {"Flaky/__init__.py": FLAKY, "Flaky/function.json": function})


@pytest.mark.parametrize("retry", [FIXED, EXPONENTIAL], ids=["fixed", "exponential"])
def test_a_function_is_called_again_and_sees_why(tmp_path: Path, retry: dict[str, object]) -> None:
    with running(app(tmp_path, retry), **{"AzureFunctionsJobHost__logging__logLevel__Function": "Debug"}) as host:
        assert host.get("/api/Flaky?failing=2").text == "succeeded after 2"
        limit = retry["maxRetryCount"]
        host.output.until(f"try 0 of {limit} after .")
        host.output.until(f"try 2 of {limit} after ValueError: failure 1.")
        host.output.until(f"before retrying function execution. Next attempt: '2'. Max retry count: '{limit}'.")
        host.output.until("Executed 'Functions.Flaky' (Failed", 2)


def test_the_last_try_ends_it(tmp_path: Path) -> None:
    with running(app(tmp_path, FIXED)) as host:
        assert host.get("/api/Flaky?failing=9").status_code == 500
        host.output.until("Function execution failed after '2' retries.")
        host.output.until("Executed 'Functions.Flaky' (Failed", 3)
