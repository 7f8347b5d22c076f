"""Which host serves which control queue: the leases to write, from the leases that all hosts share. Pure.

The rules are those of platform/task-hub.md 6.1. Every host follows them for itself; that a row is only replaced as it
was read keeps two of them from taking the same queue.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.model.states import PartitionLease

LEASE = 30.0
"""Seconds after which a host that does not renew counts as dead."""


@dataclass(frozen=True, slots=True)
class LocalHost:
    """The host that decides. `serving` are the queues it receives from, `busy` those it still works for."""

    id: str
    serving: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    is_leaving: bool = False


@dataclass(frozen=True, slots=True)
class LeasePlan:
    """The next leases.

    Receiving ends from all that is `lost` or `draining` before the `writes`, each of which holds only if its row is
    still as it was read; it begins from what is `served` when its row is written. `is_moving`: look again soon.
    """

    writes: tuple[PartitionLease, ...]
    served: frozenset[str]
    draining: frozenset[str]
    lost: frozenset[str]
    is_moving: bool
    is_shared: bool


def plan(rows: Sequence[PartitionLease], me: LocalHost, now: Instant, dead: Collection[str] = ()) -> LeasePlan:
    """`dead` are hosts known to be gone: what they had is free before its time."""
    before = [_without(row, dead) for row in rows]
    after = [_next(row, me, now) for row in before]
    asked = frozenset() if me.is_leaving else _to_ask_for(after, me.id)
    after = [replace(row, next_owner=me.id) if row.queue in asked else row for row in after]
    mine = [row for row in after if row.owner == me.id]
    return LeasePlan(
        writes=tuple(new for old, new in zip(before, after, strict=True) if new != old),
        served=frozenset(row.queue for row in mine if not row.is_draining),
        draining=frozenset(row.queue for row in mine if row.is_draining),
        lost=me.serving - {row.queue for row in mine},
        is_moving=any(row.is_draining for row in mine) or any(_is_coming(row, me.id) for row in after),
        is_shared=any(holder_of(row) not in (None, me.id) for row in after),
    )


def holder_of(row: PartitionLease) -> str | None:
    """The host that serves a queue or will serve it."""
    return row.next_owner or row.owner


def others(rows: Iterable[PartitionLease], me: str, dead: Collection[str] = ()) -> frozenset[str]:
    """The other hosts of the hub."""
    alive = (_without(row, dead) for row in rows)
    return frozenset(name for row in alive for name in (row.owner, row.next_owner) if name not in (None, me))


def _without(row: PartitionLease, dead: Collection[str]) -> PartitionLease:
    owner, next_owner = (None if name in dead else name for name in (row.owner, row.next_owner))
    return replace(row, owner=owner, next_owner=next_owner)


def _next(row: PartitionLease, me: LocalHost, now: Instant) -> PartitionLease:
    if _is_free(row, me.id, now) and not me.is_leaving:
        return _renewed(replace(row, owner=me.id, next_owner=None, since=now, is_draining=False), now)
    if row.owner == me.id:
        return _kept(row, me, now)
    if row.owner and row.is_draining and not row.next_owner and not me.is_leaving:
        return replace(row, next_owner=me.id)
    return row


def _is_free(row: PartitionLease, me: str, now: Instant) -> bool:
    is_over = (row.until or now) <= now
    return is_over or (row.owner is None and row.next_owner in (None, me))


def _kept(row: PartitionLease, me: LocalHost, now: Instant) -> PartitionLease:
    """Renewed; or, once another asks for it or we leave, drained and given away."""
    if not row.next_owner and not me.is_leaving:
        return _renewed(replace(row, is_draining=False), now)
    if row.queue in me.serving or row.queue in me.busy:
        return _renewed(replace(row, is_draining=True), now)
    return replace(row, owner=None, is_draining=False)


def _renewed(row: PartitionLease, now: Instant) -> PartitionLease:
    return replace(row, renewed=now, until=later(now, LEASE))


def _is_coming(row: PartitionLease, me: str) -> bool:
    return row.next_owner == me and row.owner != me


def _to_ask_for(rows: Sequence[PartitionLease], me: str) -> frozenset[str]:
    """The queues to take from hosts that have more than their share; the richest gives first."""
    counts = Counter(holder for row in rows if (holder := holder_of(row)))
    counts[me] += 0
    share = len(rows) // len(counts)
    givable = [row for row in rows if row.owner not in (None, me) and not row.next_owner and not row.is_draining]
    asked: set[str] = set()
    while givable:
        row = max(givable, key=lambda one: counts[one.owner or ""])
        if not _should_give(counts[row.owner or ""], counts[me], share):
            break
        givable.remove(row)
        asked.add(row.queue)
        counts.subtract([row.owner or ""])
        counts[me] += 1
    return frozenset(asked)


def _should_give(theirs: int, mine: int, share: int) -> bool:
    """Never below their share; and what does not divide is spread, one extra for each."""
    return theirs > share if mine < share else mine == share and theirs >= share + 2
