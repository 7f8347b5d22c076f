"""Responses of the admin endpoints."""

import json
from typing import Any

from starlette.responses import JSONResponse

from fnhost.host.text import encoded


class SafeJsonResponse(JSONResponse):
    """JSON of texts from files, which may hold lone surrogates: they are sent as the escapes that JSON has for them."""

    def render(self, content: Any) -> bytes:
        return encoded(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
