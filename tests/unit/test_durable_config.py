"""What host.json says of the sharing of a task hub."""

from pathlib import Path
from typing import Any

import pytest

from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.durable.config import DurableConfig, read_durable
from fnhost.host.durable.sharing.leases import LeaseSettings
from fnhost.host.errors import AppError


def read(settings: dict[str, str] | None = None, **section: Any) -> DurableConfig:
    config = HostConfig(extensions={"durabletask": section})
    return read_durable(App(Path("app"), "", (), Settings(settings or {}), config))


def test_the_app_lease_is_as_on_the_platform_unless_asked_otherwise() -> None:
    usual = read().engine.leases
    assert usual == LeaseSettings()
    assert (usual.use_app_lease, usual.app_renewal, usual.app_lease) == (True, 25, 60)
    options = {"RenewInterval": "00:00:10", "acquireInterval": "00:01:00", "leaseInterval": "00:00:30"}
    found = read(useAppLease=False, appLeaseOptions=options).engine.leases
    assert (found.use_app_lease, found.app_renewal, found.app_retry, found.app_lease) == (False, 10, 60, 30)


def test_a_lease_is_as_long_as_storage_allows() -> None:
    with pytest.raises(AppError, match=r"appLeaseOptions/leaseInterval: '00:02:00' .* from 15 to 60 seconds"):
        read(appLeaseOptions={"leaseInterval": "00:02:00"})


def test_hosts_of_one_site_are_one_app() -> None:
    assert read().hub.app == ""
    assert read({"WEBSITE_SITE_NAME": "shop"}).hub.app == "shop"


@pytest.mark.parametrize(
    "storage", [{"useTablePartitionManagement": False}, {"useLegacyPartitionManagement": True}], ids=str
)
def test_another_way_to_share_is_warned_of(storage: dict[str, bool]) -> None:
    (warning,) = read(storageProvider=storage).warnings
    assert "Partitions table" in warning
    assert read(storageProvider={"useTablePartitionManagement": True}).warnings == ()
