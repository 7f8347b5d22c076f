"""Limits of the operating system that a host may run into."""

import errno
import sys

from fnhost.host.limits import MOST_OPEN_FILES


def raise_open_files() -> None:
    """Allow this process as many open files as it may have, up to MOST_OPEN_FILES: macOS begins with 256."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MOST_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return  # the system has another limit that it does not tell: what was allowed stays


def system_error(error: OSError) -> str:
    """What the system refused, and what to do about it where that is a limit."""
    match error.errno:
        case errno.EMFILE:
            return f"{error}. This process has as many open files as it may{_soft_limit()}: raise it with `ulimit -n`."
        case errno.ENFILE:
            return f"{error}. The whole system has as many open files as it may (sysctl fs.file-max, kern.maxfiles)."
        case errno.EAGAIN:
            return f"{error}. This user has as many processes as they may: see `ulimit -u`, and end some."
        case errno.ENOMEM:
            return f"{error}. The machine has no memory left: end other programs, or use fewer worker processes."
        case errno.ENOSPC:
            return f"{error}. The disk is full, or (inotify) fs.inotify.max_user_watches is used up."
    return str(error)


def _soft_limit() -> str:
    if sys.platform == "win32":
        return ""
    import resource

    return f" ({resource.getrlimit(resource.RLIMIT_NOFILE)[0]})"
