"""Functions that are not declared in folders: as a worker lists them, or as a build wrote them to a file.

Both in the form that `read_metadata` of indexing.py reads (platform/worker-protocol.md 6.2).
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker.official.messages import is_failure

METADATA_FILE = "functions.metadata"
SUCCESS = {"status": "success"}
STRATEGIES = {
    rpc.RpcRetryOptions.EXPONENTIAL_BACKOFF: "exponentialBackoff",
    rpc.RpcRetryOptions.FIXED_DELAY: "fixedDelay",
}


def listed(answer: rpc.FunctionMetadataResponse) -> Mapping[str, Any]:
    """What a worker lists."""
    return {
        "result": result(answer.result),
        "useDefaultMetadataIndexing": answer.use_default_metadata_indexing,
        "functionMetadataResults": [_function(each) for each in answer.function_metadata_results],
    }


def result(found: rpc.StatusResult) -> Mapping[str, Any]:
    """Success, or a failure with the worker's own words. An unset status is a failure."""
    if not is_failure(found):
        return SUCCESS
    exception = {"message": found.exception.message or found.result, "stackTrace": found.exception.stack_trace}
    return {"status": "failure", "exception": exception}


def _function(found: rpc.RpcFunctionMetadata) -> Mapping[str, Any]:
    return {
        "functionId": found.function_id,
        "name": found.name,
        "directory": found.directory,
        "scriptFile": found.script_file,
        "entryPoint": found.entry_point,
        "rawBindings": list(found.raw_bindings),
        "retryOptions": _retry(found.retry_options) if found.HasField("retry_options") else None,
        "status": result(found.status) if found.HasField("status") and found.status.HasField("exception") else None,
    }


def _retry(found: rpc.RpcRetryOptions) -> Mapping[str, Any]:
    spans = {
        name: {"seconds": span.seconds, "nanos": span.nanos}
        for name, span in (
            ("delayInterval", found.delay_interval),
            ("minimumInterval", found.minimum_interval),
            ("maximumInterval", found.maximum_interval),
        )
        if span.seconds or span.nanos
    }
    return {
        "retryStrategy": STRATEGIES.get(found.retry_strategy, str(found.retry_strategy)),
        "maxRetryCount": found.max_retry_count,
        **spans,
    }


def written(root: Path) -> Mapping[str, Any]:
    """What the build of an app in .NET wrote beside its assembly, for a worker that does not list its functions."""
    try:
        functions = json.loads((root / METADATA_FILE).read_text("utf-8-sig"))
        return {"result": SUCCESS, "functionMetadataResults": list(_of_file(functions, root))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{METADATA_FILE} in '{root}' cannot be read: {type(error).__name__}: {error}. Build the app again."
        return {"result": {"status": "failure", "exception": {"message": why}}}


def _of_file(functions: Iterable[Mapping[str, Any]], root: Path) -> Iterable[Mapping[str, Any]]:
    """Raises KeyError, TypeError, AttributeError for what is no list of functions."""
    if not isinstance(functions, list):
        raise TypeError("it is no list")
    for each in functions:
        yield {
            "functionId": each["name"],
            "name": each["name"],
            "directory": str(root),
            "scriptFile": each["scriptFile"],
            "entryPoint": each["entryPoint"],
            "rawBindings": [json.dumps(binding) for binding in each["bindings"]],
            "retry": each.get("retry"),
        }
