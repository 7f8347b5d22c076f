"""The errors of Azure Storage.

StorageError
    BadConnection           a setting is missing, or is no connection string
    StorageUnreachable      nothing answers at the account's address
    ResourceNotFound        the table, row, queue, message or blob does not exist
    ResourceExists          it exists, and was to be made
    PreconditionFailed      it was changed since it was read
    PopReceiptMismatch      someone else has received the message since
"""

from fnhost.bindings.contract import BindingError


class StorageError(BindingError):
    """Storage refused. `status` is HTTP's, `code` is the service's; 0 and empty if it never answered."""

    def __init__(self, text: str, status: int = 0, code: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class BadConnection(StorageError):
    """The connection cannot be used."""


class StorageUnreachable(StorageError):
    """Nothing answers at the account's address."""


class ResourceNotFound(StorageError):
    """What was asked for does not exist."""


class ResourceExists(StorageError):
    """What was to be made exists."""


class PreconditionFailed(StorageError):
    """It was changed since it was read."""


class PopReceiptMismatch(StorageError):
    """Someone else has received the message since."""


_BY_CODE: dict[str, type[StorageError]] = {"PopReceiptMismatch": PopReceiptMismatch}
_BY_STATUS: dict[int, type[StorageError]] = {404: ResourceNotFound, 409: ResourceExists, 412: PreconditionFailed}
_HINTS = {
    403: "Is the account key in the connection string right?",
    413: "It is too large.",
}


def error_of_response(what: str, status: int, code: str, message: str) -> StorageError:
    """The error for a request that was answered with a failure. `what` names the request."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, StorageError)
    said = message.partition("\n")[0].strip()
    text = " ".join(filter(None, (f"Storage refused {what} with {status} {code}.", said, _HINTS.get(status))))
    return kind(text, status, code)
