import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("set")
    response.headers.add("Set-Cookie", "a=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax")
    response.headers.add("Set-Cookie", "b=2; Domain=example.com; Expires=Thu, 01 Jan 2026 00:00:00 GMT")
    return response
