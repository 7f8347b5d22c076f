"""What a run was made on: machine, versions, date."""

import asyncio
import importlib.metadata
import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.peers import NODE_PINS, PYTHON_PINS
from fnhost.azurite.install import version as azurite_version

PEERS = ("starlette", "uvicorn", "functions-framework", "dbos", "restate-sdk")
OURS = ("fnhost", "starlette", "uvloop", "azure-functions", "azure-functions-durable")


async def describe(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Node": await _node(environment),
        "SQLite": sqlite3.sqlite_version,
        "Azurite": azurite_version(),
        "fnhost": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in OURS),
        "peers": ", ".join((*_python_pins(), *_node_pins())),
        "load when it began": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


async def _node(environment: Mapping[str, str]) -> str:
    try:
        child = await asyncio.create_subprocess_exec(
            "node", "--version", env=dict(environment), stdout=asyncio.subprocess.PIPE
        )
    except OSError:
        return "none"
    output, _ = await child.communicate()
    return output.decode().strip()


def _python_pins() -> list[str]:
    pins = dict(line.split("==") for line in PYTHON_PINS[0].read_text("utf-8").split())
    return [f"{name} {pins[name]}" for name in PEERS]


def _node_pins() -> list[str]:
    pins = json.loads(NODE_PINS[0].read_text("utf-8"))["dependencies"]
    return [f"{name} {version}" for name, version in pins.items()]
