"""Where a list goes on: the continuation tokens of all hubs. Pure.

To clients a token is opaque. It names the hub, so that a token of another hub is told from one of ours.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping

from fnhost.host.durable.model.errors import InvalidToken
from fnhost.host.durable.model.states import Instance

LONGEST_TOKEN = 8192


def token_of(hub: str, place: Mapping[str, str]) -> str:
    """`place` is what the hub needs to go on."""
    return b64encode(json.dumps({"hub": hub, **place}).encode()).decode()


def place_of(hub: str, token: str | None) -> Mapping[str, str]:
    """The place in a token that this hub has given, empty without a token. Raises InvalidToken."""
    if token is None:
        return {}
    try:
        found = json.loads(b64decode(token[: LONGEST_TOKEN + 1], validate=True))
        for text in found.values():
            text.encode()
    except (ValueError, AttributeError, RecursionError) as error:
        raise InvalidToken from error
    if found.pop("hub", None) != hub:
        raise InvalidToken
    return dict(found)


def size_of(instance: Instance) -> int:
    """The characters of the texts by which an instance may be large."""
    texts = (instance.input, instance.output, instance.custom_status)
    return sum(len(text) for text in texts if text)
