"""What a worker said it can do when it was started (platform/official-workers.md 3)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Decides in which form values are sent, and which requests are. Names follow those of the platform.

    `http_address` is where the worker serves HTTP itself; then requests go there. Empty if it does not.
    """

    raw_body_bytes: bool = False
    body_only: bool = False
    trigger_metadata_removed: bool = False
    typed_collections: bool = False
    nullable_dictionaries: bool = False
    ignores_empty_headers: bool = False
    status: bool = False
    terminate: bool = False
    cancel: bool = False
    route_parameters: bool = False
    http_address: str = ""


NOTHING = Capabilities()


def read_capabilities(declared: Mapping[str, str]) -> Capabilities:
    """One is on when its value is any text that is not empty: `false` too."""
    return Capabilities(
        raw_body_bytes=bool(declared.get("RawHttpBodyBytes")),
        body_only=bool(declared.get("RpcHttpBodyOnly")),
        trigger_metadata_removed=bool(declared.get("RpcHttpTriggerMetadataRemoved")),
        typed_collections=bool(declared.get("TypedDataCollection")),
        nullable_dictionaries=bool(declared.get("UseNullableValueDictionaryForHttp")),
        ignores_empty_headers=bool(declared.get("IgnoreEmptyValuedRpcHttpHeaders")),
        status=bool(declared.get("WorkerStatus")),
        terminate=bool(declared.get("HandlesWorkerTerminateMessage")),
        cancel=bool(declared.get("HandlesInvocationCancelMessage")),
        route_parameters=bool(declared.get("RequiresRouteParameters")),
        http_address=declared.get("HttpUri", "").rstrip("/"),
    )
