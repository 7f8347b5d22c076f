"""The page at `/`, for a person who opens the address in a browser."""

from html import escape

from fnhost.bindings.http.response import HttpReply
from fnhost.bindings.http.trigger import template_text
from fnhost.bindings.schemas import canonical
from fnhost.host.web.active_app import ActiveApp

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{name}</title>
<style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 4rem auto; padding: 0 1rem; color: #222 }}
code {{ background: #f2f2f2; padding: 0.1em 0.3em }}
</style>
<h1>{name} is running</h1>
<ul>
{functions}
</ul>
<p>More about them: <a href="/admin/functions">functions</a>, <a href="/admin/host/status">status</a>.</p>
</html>
"""


def home_page(view: ActiveApp) -> HttpReply:
    """200 with the page, 204 when the app turned it off."""
    if (view.app.settings.get("AzureWebJobsDisableHomepage") or "").lower() in {"true", "1"}:
        return HttpReply(204)
    page = PAGE.format(name=escape(view.app.root.name), functions="\n".join(map(escape_item, lines(view))))
    return HttpReply(200, ((b"content-type", b"text/html; charset=utf-8"),), page.encode())


def escape_item(line: str) -> str:
    return f"<li><code>{escape(line)}</code></li>"


def lines(view: ActiveApp) -> list[str]:
    prefix = view.routes.settings.prefix
    return [
        f"{function.name}: /{template_text(prefix, function.name, function.trigger)}"
        if function.trigger.type == "httptrigger"
        else f"{function.name}: {canonical(function.trigger.type)}"
        for function in view.app.functions
    ]
