"""The errors of the durable engine, its hubs and the data that they read."""

from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.errors import FnhostError


class HubError(FnhostError):
    """The hub could not do what was asked. The text says what to do."""


class HubUnreachable(HubError):
    """The storage behind the hub does not answer."""


class HubMissing(HubError):
    """What `create` made is gone. `create` makes it again."""


class RecordRefused(HubError):
    """Storage will never take this: it is too large, or holds what storage cannot keep. Trying again is in vain."""


class Conflict(HubError):
    """Someone else recorded this instance since it was loaded. Nothing was written."""


class AlreadyExists(HubError):
    """An instance with this id exists in a state that may not be replaced, `status`. Nothing was written."""

    def __init__(self, status: RuntimeStatus) -> None:
        super().__init__(f"An Orchestration instance with the status {status.name} already exists.")
        self.status = status


class InvalidToken(HubError):
    """A continuation token is none that this hub has given."""

    def __init__(self) -> None:
        super().__init__("The continuation token is not one that this task hub has given. Leave it out to begin anew.")


class UnreadableRecord(HubError):
    """A stored text is not what the task hub's layout says."""


class InvalidWorkerResponse(ValueError):
    """The worker's answer is not one an SDK would give. The text says what is wrong with it."""
