import json

import azure.functions as func


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    told = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "agent": req.headers["user-agent"],
        "function": context.function_name,
        "folder": context.function_directory,
    }
    return func.HttpResponse(json.dumps(told, ensure_ascii=False), mimetype="application/json")
