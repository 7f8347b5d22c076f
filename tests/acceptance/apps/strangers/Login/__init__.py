from http import cookies

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    seen = cookies.SimpleCookie(req.headers.get("Cookie", ""))
    response = func.HttpResponse(seen["session"].value if "session" in seen else "nobody")
    response.headers.add("Set-Cookie", "session=abc; Path=/; HttpOnly; SameSite=Lax")
    response.headers.add("Set-Cookie", "theme=dark; Max-Age=3600")
    return response
