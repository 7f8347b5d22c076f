"""fnhost runs Azure Functions apps on a developer's machine."""

__version__ = "0.1.0"
