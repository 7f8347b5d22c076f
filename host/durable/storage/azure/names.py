"""Names of tables, queues, containers, blobs and keys of a task hub in Azure Storage (platform/task-hub.md 1 to 4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from fnhost.bindings.storage.tables import literal
from fnhost.host.durable.model.history import HistoryEvent

SENTINEL = "sentinel"
LAST_BEFORE_SURROGATES = 0xD7FF

_ESCAPES = {ord("^"): "^^", ord("/"): "^0", ord("\\"): "^1", ord("#"): "^2", ord("?"): "^3"} | {
    code: f"^{chr(0xC0 + code)}" for code in (*range(0x20), *range(0x7F, 0xA0))
}
_UNESCAPES = {text[1]: chr(code) for code, text in _ESCAPES.items()}


@dataclass(frozen=True, slots=True)
class Names:
    """The resources of one hub. Tables keep the hub's case; queues and containers cannot."""

    hub: str
    partitions: int

    @property
    def instances(self) -> str:
        return f"{self.hub}Instances"

    @property
    def history(self) -> str:
        return f"{self.hub}History"

    @property
    def partition_leases(self) -> str:
        return f"{self.hub}Partitions"

    @property
    def tables(self) -> Sequence[str]:
        return self.instances, self.history, self.partition_leases

    @property
    def queues(self) -> Sequence[str]:
        return *self.control, self.work_items

    @property
    def control(self) -> Sequence[str]:
        return tuple(f"{self.hub.lower()}-control-{number:02}" for number in range(self.partitions))

    @property
    def work_items(self) -> str:
        return f"{self.hub.lower()}-workitems"

    @property
    def large(self) -> str:
        return f"{self.hub.lower()}-largemessages"

    @property
    def reservation(self) -> str:
        return f"{self.hub.lower()}-applease"

    @property
    def holder(self) -> str:
        """The blob that says who has the reservation."""
        return f"{self.hub.lower()}-appleaseinfo"

    def control_of(self, instance: str) -> str:
        return self.control[fnv1a(instance) % self.partitions]


def fnv1a(text: str) -> int:
    """The 32-bit hash that spreads instances over control queues."""
    found = 2166136261
    for byte in text.encode("utf-8", "surrogatepass"):
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def partition_key(instance: str) -> str:
    return instance.translate(_ESCAPES)


def instance_id(key: str) -> str:
    """Undoes `partition_key`."""
    return re.sub(r"\^(.)", lambda found: _UNESCAPES.get(found[1], found[0]), key, flags=re.DOTALL)


def row_key(ordinal: int) -> str:
    return f"{ordinal:016X}"


def message_blob(instance: str, activity: str, event: HistoryEvent) -> str:
    """`activity` is the envelope's GUID."""
    return f"{instance}/message-{activity.replace('-', '')}-{type(event).__name__}.json.gz"


def column_blob(key: str, row: str, kind: str, column: str, chance: str) -> str:
    """`chance` are 8 random hex digits: two hosts that race write two blobs."""
    return f"{key}/history-{row}-{kind}-{chance}-{column}.json.gz"


def is_message_blob(name: str) -> bool:
    return name.rpartition("/")[2].startswith("message-")


def blob_url(container: str, name: str) -> str:
    """`container` is the container's address."""
    return f"{container}/{quote(name, safe='/-._~')}"


def blob_of(container: str, text: str) -> str | None:
    """The blob that a stored value refers to, None if it is a plain value. Its host may be spelled in another way."""
    if not text.startswith(("http://", "https://")):
        return None
    try:
        path, root = urlsplit(text).path, f"{urlsplit(container).path}/"
    except ValueError:
        return None  # It begins like an address, and is none.
    return unquote(path.removeprefix(root)) if path.startswith(root) else None


def prefix_condition(prefix: str) -> str:
    """The OData condition on the keys of ids that begin with this (platform/task-hub.md 7.1)."""
    key = partition_key(prefix)
    start, last = f"PartitionKey ge {literal(key)}", ord(key[-1])
    if last >= LAST_BEFORE_SURROGATES:
        return start  # Keys are ordered by UTF-16: what comes next is no simple question. Whoever asks looks again.
    return f"{start} and PartitionKey lt {literal(key[:-1] + chr(last + 1))}"
