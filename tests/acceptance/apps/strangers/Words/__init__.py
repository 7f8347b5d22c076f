import json

import azure.functions as func

from ..shared.text import count_words


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(count_words(req.get_body().decode())), mimetype="application/json")
