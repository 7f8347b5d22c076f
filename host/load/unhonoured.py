"""Settings of host.json that Azure honours and this host does not, so that whoever sets one is told.

Of the settings of platform/settings.md 2 and platform/durable-settings.md 1 and 2 those that change what functions do
or what clients get. Monitoring, and what steers the platform alone, is passed over without a word.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Unhonoured:
    """Azure's `default`, at which nothing differs, and what another value does there."""

    default: object
    effect: str


Settings: TypeAlias = Mapping[str, "Unhonoured | Settings"]

STORAGE_PROVIDER: Settings = {
    "controlQueueBatchSize": Unhonoured(32, "it sets how many messages a host receives at once from a control queue"),
    "controlQueueBufferThreshold": Unhonoured(256, "it limits the messages that a host keeps in memory"),
    "workItemQueueVisibilityTimeout": Unhonoured("00:05:00", "it sets how soon the activities of a lost host go on"),
    "fetchLargeMessagesAutomatically": Unhonoured(True, "a status shows the addresses of large values, not the values"),
    "trackingStoreConnectionName": Unhonoured(None, "history and instances lie in another storage account"),
    "trackingStoreConnectionStringName": Unhonoured(None, "history and instances lie in another storage account"),
    "trackingStoreNamePrefix": Unhonoured(None, "the tables of history and instances are named with it"),
    "allowReplayingTerminalInstances": Unhonoured(False, "an instance that has ended runs again for a late message"),
}
DURABLE: Settings = {
    "maxConcurrentEntityFunctions": Unhonoured(None, "it limits entities that have a dispatcher of their own"),
    "versionMatchStrategy": Unhonoured("CurrentOrOlder", "it chooses which versions of instances a host runs"),
    "versionFailureStrategy": Unhonoured("Reject", "an instance of a version that does not match fails"),
    "throwStatusExceptionsOnRaiseEvent": Unhonoured(True, "an event for an instance that is not there is no error"),
    "notifications": {
        "eventGrid": {"topicEndpoint": Unhonoured(None, "changes of instances are published to this topic")}
    },
    "storageProvider": STORAGE_PROVIDER,
}
SETTINGS: Settings = {
    "sendCanceledInvocationsToWorker": Unhonoured(
        True, "an invocation that is cancelled before it reaches the worker is not sent to it"
    ),
    "extensions": {
        "http": {
            "dynamicThrottlesEnabled": Unhonoured(False, "requests are answered 429 while the host is overloaded"),
            "hsts": {"isEnabled": Unhonoured(False, "responses carry Strict-Transport-Security")},
        },
        "durableTask": DURABLE,
    },
    "concurrency": {
        "dynamicConcurrencyEnabled": Unhonoured(False, "the host finds itself how many events it handles at once")
    },
    "singleton": {
        "lockAcquisitionTimeout": Unhonoured(None, "it limits how long a host waits for the lock of a timer")
    },
}


def unhonoured_warnings(document: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each setting whose value makes a difference in Azure alone. Names are matched in any case."""
    yield from _found(document, SETTINGS, "")


def _found(section: Mapping[str, Any], known: Settings, place: str) -> Iterator[str]:
    by_lower = {name.lower(): setting for name, setting in known.items()}
    for key, value in section.items():
        match by_lower.get(key.lower()):
            case Unhonoured(default=default, effect=effect) if not _is_same(value, default):
                yield f"host.json#{place}/{key} has no effect here. In Azure {effect}."
            case Mapping() as below if isinstance(value, Mapping):
                yield from _found(value, below, f"{place}/{key}")


def _is_same(value: object, default: object) -> bool:
    """As .NET reads values: `"True"` is true, names are matched in any case. None and an empty text set nothing."""
    return value in (None, "") or str(value).lower() == str(default).lower()
