"""Which hosts serve a task hub now, from its leases: before all is deleted that they hold in memory."""

from fnhost.clock import Clock
from fnhost.host.durable.model.errors import HubError, HubMissing
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.sharing.identity import HostIdentity
from fnhost.host.durable.sharing.partitions import LEASE, others
from fnhost.host.durable.storage.hub import Hub

SHARED = (
    "{} the task hub as well ({}), perhaps from another folder or machine: what is held in memory there would be "
    "written again. End it first. A host that was killed is forgotten {:.0f} s after its last sign of life."
)


class HubShared(HubError):
    """Other hosts serve the hub. The text names them."""

    def __init__(self, names: frozenset[str]) -> None:
        who = "Another host serves" if len(names) == 1 else f"{len(names)} other hosts serve"
        super().__init__(SHARED.format(who, ", ".join(sorted(names)), LEASE))


async def expect_no_sharer(hub: Hub, identity: HostIdentity, clock: Clock) -> None:
    """Raises HubShared if a host other than `identity` has a lease that holds and has not surely ended; HubError."""
    try:
        rows = await hub.partition_leases()
    except HubMissing:
        return
    now = utc_now(clock)
    names = others((row for row in rows if row.until and row.until > now), identity.id)
    if alive := frozenset(name for name in names if not identity.is_gone(name)):
        raise HubShared(alive)
