import base64

import azure.functions as func

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(base64.b64decode(DOT), mimetype="image/png")
