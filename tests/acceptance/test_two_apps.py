"""Two apps with `UseDevelopmentStorage=true` on one machine: they share an emulator, and outlive each other."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.durable import APP, FAN_OUT, WEBHOOKS
from tests.support.emulators import free_ports, made_cache
from tests.support.hosts import Host, running, write_app

MOVED = """
import sys
from functools import partial

from fnhost import azurite
from fnhost.bindings.storage import account
from fnhost.host.cli import main

ports = azurite.Ports(*map(int, {ports}))
account.DEVELOPMENT_PORTS.update(ports.by_service)
azurite.development_storage = partial(azurite.development_storage, ports=ports)
sys.exit(main())
"""
"""The command line, where the development ports are others: the usual ones may be taken on this machine."""
STORAGE = "UseDevelopmentStorage=true"
HUB = "AzureFunctionsJobHost__extensions__durableTask__hubName"


@pytest.mark.parametrize("end", [Host.interrupt, Host.kill], ids=["ends", "is-killed"])
def test_an_app_goes_on_when_the_one_that_ran_its_storage_has_ended(
    end: Callable[[Host], object], tmp_path: Path
) -> None:
    program = ("-c", MOVED.format(ports=tuple(free_ports().by_service.values())))
    settings = {"AzureWebJobsStorage": STORAGE, "XDG_CACHE_HOME": asyncio.run(made_cache(tmp_path / "cache"))}
    shop, bank = write_app(tmp_path / "shop", APP), write_app(tmp_path / "bank", {**APP, **FAN_OUT})
    with running(shop, program=program, **settings, **{HUB: "Shop"}) as first:
        with running(bank, program=program, **settings, **{HUB: "Bank"}) as second:
            started = second.post(f"{WEBHOOKS}/orchestrators/Approval/one", json={"given": 3600}).json()
            second.until(started["statusQueryGetUri"], customStatus="waiting")
            end(first)
            second.output.until(f"This host runs it from now on, with the same data, in {shop / '.azurite'}.")
            assert second.post(f"{WEBHOOKS}/instances/one/raiseEvent/Approved", json="yes").status_code == 202
            ended = second.until(started["statusQueryGetUri"], runtimeStatus="Completed")
            assert ended["output"] == {"approved": "yes"}
            assert second.post(f"{WEBHOOKS}/orchestrators/Chain/two", json={"given": 3}).status_code == 202
            second.until(f"{WEBHOOKS}/instances/two", runtimeStatus="Completed", output=[0, 1, 4])
