"""The page at `/`, for a person who opens the address in a browser."""

from html import escape

from fnhost.bindings.http.response import HttpReply
from fnhost.bindings.registry import binding_types
from fnhost.host.app import App, Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.text import encoded
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
{listed}</html>
"""
LISTED = """<ul>
{}
</ul>
<p>More about them: <a href="/admin/functions">functions</a>, <a href="/admin/host/status">status</a>.</p>
"""
SHOWN = """<p>See what they do: <a href="{}/">dashboard</a>.</p>
"""


def home_page(view: ActiveApp, *, is_listed: bool, dashboard: str = "") -> HttpReply:
    """200 with the page, 204 when the app turned it off. `is_listed`: with its functions, which need no key then.

    `dashboard` is its path, empty where there is none.
    """
    if (view.app.settings.get("AzureWebJobsDisableHomepage") or "").lower() in {"true", "1"}:
        return HttpReply(204)
    listed = LISTED.format("\n".join(map(escape_item, lines(view)))) if is_listed else ""
    shown = SHOWN.format(dashboard) if dashboard else ""
    page = PAGE.format(name=escape(view.app.root.name), listed=listed + shown)
    return HttpReply(200, ((b"content-type", b"text/html; charset=utf-8"),), encoded(page))


def escape_item(line: str) -> str:
    return f"<li><code>{escape(line)}</code></li>"


def lines(view: ActiveApp) -> list[str]:
    return [f"{function.name}: {_place(function, view.app)}" for function in view.app.functions]


def _place(function: Function, app: App) -> str:
    endpoint = endpoint_of(function, app.config)
    return f"/{endpoint.path}" if endpoint else binding_types()[function.trigger.type].name
