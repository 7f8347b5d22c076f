"""Who serves which queue: the rules one by one, the platform's rows, and hosts that come, go and die."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.model.states import PartitionLease
from fnhost.host.durable.sharing.partitions import LEASE, LocalHost, others, plan
from fnhost.host.durable.storage.azure.partition_table import partition_lease_of

VECTORS: Mapping[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "partitions-and-leases.json").read_text("utf-8")
)["partitionsTable"]
NOW = "2025-03-04T10:20:00.1234567Z"
SERVING = LocalHost("me", serving=frozenset({"q0"}))
LEAVING = replace(SERVING, is_leaving=True)


def owned(
    queue: str, owner: str | None, next_owner: str | None = None, ago: float = 5.0, **values: Any
) -> PartitionLease:
    renewed = later(NOW, -ago)
    return PartitionLease(queue, owner, next_owner, renewed, renewed, later(renewed, LEASE), **values)


def mine(next_owner: str | None = None, **values: Any) -> PartitionLease:
    return owned("q0", "me", next_owner, **values)


def renewed(row: PartitionLease, **values: Any) -> PartitionLease:
    return replace(row, renewed=NOW, until=later(NOW, LEASE), **values)


def taken(row: PartitionLease) -> PartitionLease:
    return renewed(row, owner="me", next_owner=None, since=NOW, is_draining=False)


def one(row: PartitionLease, me: LocalHost = SERVING, dead: Sequence[str] = ()) -> PartitionLease | None:
    """What becomes of a row; None if it is left as it is."""
    return next(iter(plan([row], me, NOW, dead).writes), None)


FREE = PartitionLease("q0")
THEIRS = owned("q0", "other")
OVER = owned("q0", "other", ago=LEASE)


@pytest.mark.parametrize("row", [FREE, OVER, replace(OVER, next_owner="third"), owned("q0", None, "me"), mine(ago=60)])
def test_what_is_free_is_taken(row: PartitionLease) -> None:
    assert one(row) == taken(row)
    assert plan([row], SERVING, NOW).served == {"q0"}


@pytest.mark.parametrize("row", [THEIRS, owned("q0", None, "other"), owned("q0", "other", ago=LEASE - 0.001)])
def test_what_is_not_is_left_and_not_received_from(row: PartitionLease) -> None:
    found = plan([row], SERVING, NOW)
    assert (found.writes, found.served, found.lost) == ((), frozenset(), {"q0"})
    assert found.is_shared


@pytest.mark.parametrize("row", [THEIRS, owned("q0", None, "other"), replace(THEIRS, next_owner="other")])
def test_what_the_dead_had_is_free_at_once(row: PartitionLease) -> None:
    assert one(row, dead=["other"]) == taken(row)
    assert not plan([row], SERVING, NOW, ["other"]).is_shared


def test_what_is_mine_is_renewed() -> None:
    assert one(mine()) == renewed(mine())
    assert one(mine(), LocalHost("me")) == renewed(mine())
    assert not plan([mine()], SERVING, NOW).is_moving


def test_what_is_asked_for_is_drained_while_it_is_busy_and_then_given() -> None:
    row, busy = mine("other"), frozenset({"q0"})
    draining = renewed(row, is_draining=True)
    found = plan([row], SERVING, NOW)
    assert (found.writes, found.draining, found.served, found.lost) == ((draining,), {"q0"}, set(), set())
    assert found.is_moving
    assert one(replace(draining, until=NOW[:-2] + "9Z"), LocalHost("me", busy=busy)) == draining
    assert one(draining, LocalHost("me")) == replace(draining, owner=None, is_draining=False)


def test_what_the_dead_asked_for_is_kept() -> None:
    assert one(mine("other", is_draining=True), dead=["other"]) == renewed(mine(is_draining=False))


def test_who_leaves_gives_all_that_is_his_and_takes_nothing() -> None:
    assert one(mine(), LEAVING) == renewed(mine(), is_draining=True)
    assert one(mine(), replace(LEAVING, serving=frozenset())) == replace(mine(), owner=None)
    for row in (FREE, OVER, THEIRS, replace(THEIRS, is_draining=True)):
        assert one(row, LEAVING) is None


def test_who_leaves_is_asked_for_his_queues() -> None:
    leaving = replace(THEIRS, is_draining=True)
    assert one(leaving) == replace(leaving, next_owner="me")
    assert plan([leaving], SERVING, NOW).is_moving
    assert one(replace(leaving, next_owner="third")) is None


def asked(owners: str, me: str = "m") -> str:
    """The hosts that give a queue, where each letter is the owner of one; a capital means it is asked for by m."""
    rows = [owned(f"q{at}", name.lower(), me if name.isupper() else None) for at, name in enumerate(owners)]
    found = plan(rows, LocalHost(me), NOW)
    return "".join(sorted(str(row.owner) for row in found.writes if row.next_owner == me and row.owner != me))


@pytest.mark.parametrize(
    ("owners", "given"),
    [
        ("aaaa", "aa"),
        ("Aaaa", "a"),
        ("AAaa", ""),
        ("aabb", "a"),
        ("aaab", "a"),
        ("abcd", ""),
        ("a", ""),
        ("aaaaa", "aa"),
        ("ammmm", ""),
        ("aaam", "a"),
        ("aamm", ""),
        ("aaaam", "a"),
        ("aaaabcm", "a"),
        ("aaabbcm", "a"),
        ("aabbccm", ""),
        ("aaaaaaaabbbbbbbb", "aaabb"),
    ],
)
def test_queues_are_asked_of_those_who_have_more_than_their_share(owners: str, given: str) -> None:
    assert asked(owners) == given


def test_the_others_are_those_who_have_a_queue_or_ask_for_one() -> None:
    rows = [mine("third"), THEIRS, owned("q2", "fourth", "me"), FREE]
    assert others(rows, "me") == {"third", "other", "fourth"}
    assert others(rows, "me", {"third"}) == {"other", "fourth"}


# --- the platform's own rows -----------------------------------------------------------------------------------------


def row(state: str) -> PartitionLease:
    return partition_lease_of(VECTORS[state])


def worker(name: str, is_serving: bool = True) -> LocalHost:
    return LocalHost(name, serving=frozenset({"myhub-control-00"} if is_serving else ()))


@pytest.mark.parametrize(
    ("before", "me", "now", "after"),
    [
        ("created", worker("workerA"), "2025-03-04T10:20:00.1234567Z", "claimed"),
        ("claimed", worker("workerA"), "2025-03-04T10:20:10.1234567Z", "renewed"),
        ("stealRequested", worker("workerA"), "2025-03-04T10:20:11.1234567Z", "draining"),
        ("draining", worker("workerA", False), "2025-03-04T10:20:12.1234567Z", "released"),
    ],
)
def test_a_row_goes_through_its_states_as_on_the_platform(before: str, me: LocalHost, now: Instant, after: str) -> None:
    """The platform keeps seven digits of a second and we write six."""
    (written,) = plan([row(before)], me, now).writes
    assert cut(written) == cut(row(after))


def cut(lease: PartitionLease) -> tuple[object, ...]:
    times = (lease.since, lease.renewed, lease.until)
    states = (lease.owner, lease.next_owner, lease.is_draining)
    return (*states, *(at and at[:-2] for at in times))


def test_a_second_worker_gets_what_was_released_for_it() -> None:
    assert one(row("released"), LocalHost("workerC")) is None
    given = plan([row("released")], LocalHost("workerB"), "2025-03-04T10:20:12.0000000Z")
    assert [(one.owner, one.next_owner) for one in given.writes] == [("workerB", None)]


# --- hosts that come, go and die -------------------------------------------------------------------------------------


@dataclass
class Table:
    """The shared rows; a row that changed since it was read is not replaced."""

    rows: dict[str, PartitionLease]
    version: int = 0

    def replace(self, row: PartitionLease) -> bool:
        if self.rows[row.queue].version != row.version:
            return False
        self.version += 1
        self.rows[row.queue] = replace(row, version=str(self.version))
        return True


@dataclass
class Host:
    """Follows its plans as a host does; each queue that it stops keeps it busy for two more passes at most."""

    id: str
    table: Table
    serving: set[str] = field(default_factory=set)
    busy: dict[str, int] = field(default_factory=dict)
    is_leaving: bool = False
    read: Sequence[PartitionLease] = ()

    @property
    def is_gone(self) -> bool:
        return self.is_leaving and self.id not in {row.owner for row in self.table.rows.values()}

    def look(self) -> None:
        self.read = list(self.table.rows.values())

    def act(self, now: Instant, chance: random.Random) -> tuple[int, bool]:
        """On what was read, be it old by now. When to look again, and whether all was written."""
        self.busy = {queue: passes - 1 for queue, passes in self.busy.items() if passes}
        me = LocalHost(self.id, frozenset(self.serving), frozenset(self.busy), self.is_leaving)
        found = plan(self.read, me, now)
        for queue in found.lost & self.serving:
            self.serving.remove(queue)
        for queue in found.draining & self.serving:
            self.serving.remove(queue)
            self.busy[queue] = chance.randrange(3)
        written = {row.queue for row in found.writes if self.table.replace(row)}
        self.serving |= found.served & written
        return 1 if found.is_moving else 10, len(written) == len(found.writes)


@dataclass
class World:
    """Hosts on a clock of whole seconds; each looks when it is due, and others may act before it does."""

    chance: random.Random
    table: Table
    hosts: list[Host] = field(default_factory=list)
    due: dict[str, int] = field(default_factory=dict)
    second: int = 0
    born: int = 0

    def join(self) -> None:
        self.born += 1
        host = Host(f"host{self.born}", self.table)
        self.hosts.append(host)
        self.due[host.id] = self.second

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.second += 1
            ready = [host for host in self.hosts if self.due[host.id] <= self.second]
            for host in ready:
                host.look()
            while ready:
                self._act(ready.pop(self.chance.randrange(len(ready))))
            self.hosts = [host for host in self.hosts if not host.is_gone]

    def _act(self, host: Host) -> None:
        is_up_to_date = False
        while not is_up_to_date:
            pause, is_up_to_date = host.act(later(NOW, self.second), self.chance)
            self.due[host.id] = self.second + pause
            host.look()
        self.check()

    def check(self) -> None:
        counts = Counter(queue for host in self.hosts for queue in host.serving)
        assert all(count == 1 for count in counts.values()), f"two hosts receive: {counts}"

    def is_balanced(self) -> bool:
        counts = [len(host.serving) for host in self.hosts]
        return sum(counts) == len(self.table.rows) and max(counts) - min(counts) <= 1

    def change(self) -> None:
        """One comes, one leaves, or one dies."""
        kind = self.chance.choice(["join", "leave", "die"])
        staying = [host for host in self.hosts if not host.is_leaving]
        if kind == "join" or len(staying) < 2:
            if len(self.hosts) < 4:
                self.join()
        elif kind == "leave":
            leaver = self.chance.choice(staying)
            leaver.is_leaving, self.due[leaver.id] = True, self.second
        else:
            self.hosts.remove(self.chance.choice(staying))


def world(seed: int, queues: int) -> World:
    table = Table({f"q{at}": PartitionLease(f"q{at}") for at in range(queues)})
    return World(random.Random(seed), table)


@pytest.mark.parametrize("seed", range(30))
def test_hosts_that_come_and_go_end_balanced_and_never_share_a_queue(seed: int) -> None:
    found = world(seed, queues=random.Random(seed).choice([1, 3, 4, 7, 16]))
    found.join()
    for _ in range(12):
        found.change()
        found.run(found.chance.randrange(1, 45))
    found.run(120)
    assert found.is_balanced(), [(host.id, sorted(host.serving)) for host in found.hosts]


def test_a_host_alone_has_all_queues_at_its_first_look() -> None:
    alone = world(1, queues=4)
    alone.join()
    (host,) = alone.hosts
    host.look()
    host.act(NOW, alone.chance)
    assert host.serving == {"q0", "q1", "q2", "q3"}


def test_what_the_dead_served_is_served_again_within_forty_seconds() -> None:
    pair = world(2, queues=4)
    pair.join()
    pair.join()
    pair.run(60)
    assert sorted(len(host.serving) for host in pair.hosts) == [2, 2]
    pair.hosts.pop()
    pair.run(41)
    assert pair.is_balanced()
