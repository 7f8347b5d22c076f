"""The server that offers the tools."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from fnhost import __version__
from fnhost.host.web.mcp.client import HostClient
from fnhost.host.web.mcp.tools import Tools

Tool = Callable[..., Awaitable[dict[str, Any]]]

INSTRUCTIONS = (
    "See and steer an Azure Functions app that `fnhost start` serves on this machine. A saved file is served at once: "
    "list_problems tells what is wrong with it, get_logs what functions log and why they fail."
)


def mcp_server(host: HostClient) -> MCPServer[Any]:
    """A server whose tools ask `host`. It logs what goes wrong in itself to standard error."""
    tools = Tools(host)
    server: MCPServer[Any] = MCPServer(
        "fnhost", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING", subscriptions=False
    )
    for names, annotations in _offered(tools):
        for tool in names:
            server.add_tool(tool, annotations=annotations, structured_output=True)
    return server


def _offered(tools: Tools) -> list[tuple[list[Tool], ToolAnnotations]]:
    """The tools by what they may do to the app: a client asks its user before it lets a model destroy something."""
    return [
        (
            [
                tools.list_functions,
                tools.list_problems,
                tools.get_logs,
                tools.list_instances,
                tools.get_instance,
            ],
            ToolAnnotations(read_only_hint=True, open_world_hint=False),
        ),
        (
            [tools.start_orchestration, tools.raise_event, tools.rewind_instance],
            ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False),
        ),
        (
            [tools.suspend_instance, tools.resume_instance],
            ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False),
        ),
        (
            [tools.terminate_instance, tools.restart_instance, tools.purge_instance, tools.purge_instances],
            ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False),
        ),
        (
            [tools.call_http_function, tools.run_function],  # the app's own code may do anything
            ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True),
        ),
    ]
