"""What the command line says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PORT = 7071
ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of a start; None where it says nothing (platform/command-line.md 1)."""

    root: Path
    environment: Mapping[str, str]
    functions: Sequence[str] = ()
    port: int | None = None
    address: str | None = None
    cors: str | None = None
    cors_credentials: bool = False
    enable_auth: bool = False
    use_https: bool = False
    certificate: str | None = None
    password: str | None = None
    interpreters: Mapping[str, str] = field(default_factory=dict)
    """By language."""
    worker_arguments: str | None = None
    debug: int | None = None
    """The port of the debugger, 0 for the usual one of the language."""
    user_log_level: str | None = None
    verbose: bool = False
    json_output: bool = False
    json_file: str | None = None
    dashboard: bool = True
    given: Mapping[str, str] = field(default_factory=dict)
    """Variables of `environment` that stand for options of the command line, and those that the host adds."""
    grpc_port: int | None = None
    """Where Durable Task programs reach the task hub; None if none need to."""
    is_scheduler: bool = False
    """Whether the task hub is served to programs, and no functions of an app: `fnhost durabletask`."""

    @property
    def levels(self) -> Mapping[str, str]:
        return {"Function": self.user_log_level} if self.user_log_level else {}
