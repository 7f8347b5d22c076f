from __future__ import annotations

import json
import os
import sys

import azure.functions as func


def main(req: func.HttpRequest, context: func.Context) -> str:
    return json.dumps(
        {
            "invocation": context.invocation_id,
            "thread": context.thread_local_storage.invocation_id,
            "name": context.function_name,
            "directory": context.function_directory,
            "trace": [context.trace_context.trace_parent, context.trace_context.trace_state],
            "retry": [
                context.retry_context.retry_count,
                context.retry_context.max_retry_count,
                context.retry_context.exception.message,
            ],
            "module": __name__,
            "folder": os.getcwd(),
            "path": sys.path,
            "python": sys.executable,
            "version": os.environ["FUNCTIONS_WORKER_RUNTIME_VERSION"],
            "own": [name for name in os.environ if name.startswith("FNHOST")],
        }
    )
