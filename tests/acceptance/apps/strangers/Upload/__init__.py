import json

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    sizes = {}
    for name, file in req.files.items():
        contents = file.read()
        sizes[name] = [file.filename, file.content_type, len(contents)]
    return func.HttpResponse(json.dumps({"files": sizes, "form": dict(req.form)}), mimetype="application/json")
