"""What is answered to bytes that are no request the host can serve."""


class Refused(Exception):
    """A request is answered with `status` and a reason in words, and its connection is closed.

    `allow` is the value of the Allow header, if there is one.
    """

    def __init__(self, status: int, reason: str, allow: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason, self.allow = status, reason, allow
