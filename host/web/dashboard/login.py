"""The door of a host that demands keys: the master key once, then a cookie of this start of the host."""

import secrets
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from fnhost.host.web.keys import Keys

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>fnhost dashboard</title>
<h1>This host demands keys</h1>
<p>The dashboard opens with the host's master key: <code>fnhost keys list</code> shows it as _master.</p>
<form method="post" action="/runtime/dashboard/login">
<p><label>Master key <input type="password" name="key" autocomplete="current-password" autofocus required></label>
<button>Open</button></p>
</form>
<p role="alert">{told}</p>
</html>
"""
WRONG = "This is not the master key."
MOST_BYTES = 10_000


class Login:
    """`home` is the address of the dashboard, to which the cookie belongs. Names of cookies are shared by all ports."""

    def __init__(self, keys: Keys, home: str) -> None:
        self._keys, self._home = keys, home
        self._name, self._session = f"fnhost-{secrets.token_hex(4)}", secrets.token_hex(16)

    def admits(self, scope: Scope) -> bool:
        given = Request(scope).cookies.get(self._name, "")
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._session.encode())

    def page(self, told: str = "", status: int = 401) -> Response:
        return HTMLResponse(PAGE.format(told=escape(told)), status, headers={"cache-control": "no-store"})

    def enter(self, scope: Scope, body: bytes) -> Response:
        """The answer to the form of `page`."""
        key = parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0]
        if not self._keys.is_master(key):
            return self.page(WRONG, 403)
        response = RedirectResponse(self._home, 303)
        is_https = scope["scheme"] == "https"
        response.set_cookie(
            self._name, self._session, path=self._home, httponly=True, samesite="strict", secure=is_https
        )
        return response
