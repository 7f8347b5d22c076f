"""The dashboard, put together: each module gives its routes."""

from fnhost.host.web.dashboard.api import event_routes
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.mount import Dashboard


def dashboard(live: LiveEvents) -> Dashboard:
    """Pages and API. `live` is what the routes publish to, and what the pages read."""
    return Dashboard([*event_routes(live)], lambda: None)
