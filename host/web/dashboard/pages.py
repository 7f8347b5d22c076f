"""The files that the front end's build leaves in `static/`: `index.html` for every page, and its assets."""

import asyncio
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse, Response

from fnhost.host.text import decoded
from fnhost.host.web.files import read_served

STATIC = Path(__file__).parent / "static"
ASSETS = "assets/"
INDEX = "index.html"
TOKEN_NAME = "fnhost-token"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
NOT_BUILT = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="fnhost-token" content="{token}">
<title>fnhost dashboard</title>
<h1>The dashboard is not built</h1>
<p>This checkout of fnhost has no pages yet. Build them, which needs Node, and load this page again:</p>
<pre>make dashboard</pre>
<p>Its <a href="/runtime/dashboard/api/v1/app">API</a> works without them.</p>
</html>
"""


async def page_or_file(path: str, token: str, static: Path = STATIC) -> Response:
    """What is at `path` below the dashboard's address: a file of the build, else the page that finds its own way."""
    if path.startswith(ASSETS):
        return await _file(static, path, IMMUTABLE) or Response(status_code=404)
    if path and path != INDEX and (found := await _file(static, path, {"cache-control": "no-cache"})):
        return found
    return await _index(static, token)


async def _file(static: Path, path: str, headers: dict[str, str]) -> Response | None:
    kind = TYPES.get(Path(path).suffix.lower())
    data = None if kind is None or "\0" in path else await asyncio.to_thread(read_served, static, static / path)
    return None if data is None else Response(data, media_type=kind, headers=headers)


async def _index(static: Path, token: str) -> Response:
    """The token is put where only scripts of the same origin can read it."""
    data = await asyncio.to_thread(read_served, static, static / INDEX)
    if data is None:
        page = NOT_BUILT.format(token=escape(token))
    else:
        page = decoded(data).replace("<head>", f'<head>\n<meta name="{TOKEN_NAME}" content="{escape(token)}">', 1)
    return HTMLResponse(page, headers={"cache-control": "no-store"})
