import pathlib

import azure.functions as func


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    template = pathlib.Path(context.function_directory, "page.html").read_text(encoding="utf-8")
    page = template.replace("{name}", req.params.get("name", "stranger"))
    return func.HttpResponse(page, mimetype="text/html")
