"""Server-sent events of the dashboard: what is kept, merged, dropped and given again."""

import json
from typing import Any

import pytest

from fnhost.host.web.dashboard import live as module
from fnhost.host.web.dashboard.live import LiveEvents, Reader
from tests.support.clocks import ManualClock
