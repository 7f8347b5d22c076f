"""The order of messages between entities and the instances that send to them. Pure.

Each message names its predecessor; one that comes before it waits, one that comes twice is dropped
(platform/entities.md 3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fnhost.host.durable.entities.messages import NEVER, EntityRequest, request_json, request_of, stamp_json, stamp_of
from fnhost.host.durable.model.instants import Instant, later, next_tick

STEP = 10.0
"""Seconds between two moves of the horizon at least: each move looks at every sender."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Messages of one instance. `action` is this host's own: the task id of the last request that was delivered."""

    execution_id: str | None = None
    last: Instant = NEVER
    waiting: tuple[EntityRequest, ...] = ()
    action: int = -1

    def receive(self, request: EntityRequest) -> "Sender":
        waiting = {each.timestamp: each for each in (*self.waiting, request)}
        return replace(self, waiting=tuple(waiting[at] for at in sorted(waiting)))

    def deliver(self, horizon: Instant) -> tuple["Sender", list[EntityRequest]]:
        """The sender without the messages that need not wait any longer, and these in order."""
        last, action, ready, waiting = self.last, self.action, [], []
        for request in self.waiting:
            if request.timestamp <= last:
                continue
            if last < request.predecessor >= horizon:
                waiting.append(request)
                continue
            last = request.timestamp
            if request.action is None or request.action > action:
                ready.append(request)
                action = action if request.action is None else request.action
        return Sender(self.execution_id, last, tuple(waiting), action), ready


@dataclass(frozen=True, slots=True)
class MessageSorter:
    """`received` by sender, `sent` by target. Messages older than the horizon are neither ordered nor remembered."""

    horizon: Instant = NEVER
    received: Mapping[str, Sender] = field(default_factory=dict)
    sent: Mapping[str, Instant] = field(default_factory=dict)

    def receive(self, request: EntityRequest, window: float) -> tuple["MessageSorter", list[EntityRequest]]:
        """The messages that may be delivered after this one came. Those of clients and delayed ones are not ordered."""
        if not window or request.parent is None or request.timestamp == NEVER:
            return self, [request]
        sorter, ready = self._moved(request.timestamp, window)
        if request.timestamp < sorter.horizon:
            return sorter, [*ready, request]
        sender = sorter.received.get(request.parent) or Sender(request.parent_execution)
        if sender.execution_id != request.parent_execution:
            ready += sender.waiting
            sender = Sender(request.parent_execution)
        sender, freed = sender.receive(request).deliver(sorter.horizon)
        return replace(sorter, received={**sorter.received, request.parent: sender}), ready + freed

    def _moved(self, newest: Instant, window: float) -> tuple["MessageSorter", list[EntityRequest]]:
        """Move the horizon for a message this new: older senders are dropped, and what waited for them is free."""
        if newest <= later(self.horizon, window + STEP):
            return self, []
        horizon = later(newest, -window)
        received, ready = {}, []
        for name, sender in self.received.items():
            moved, freed = sender.deliver(horizon)
            ready += freed
            if moved.waiting or moved.last >= horizon:
                received[name] = moved
        sent = {name: at for name, at in self.sent.items() if at >= horizon}
        return MessageSorter(horizon, received, sent), ready

    def stamp(self, target: str, now: Instant) -> tuple["MessageSorter", Instant, Instant]:
        """The stamp of the next message to `target`, and that of the one before."""
        before = self.sent.get(target, NEVER)
        at = max(now, next_tick(before))
        return replace(self, sent={**self.sent, target: at}), at, before


def sorter_json(sorter: MessageSorter) -> Mapping[str, Any]:
    found = {
        "LastSentToInstance": {name: stamp_json(at) for name, at in sorter.sent.items()},
        "ReceivedFromInstance": {name: _sender_json(sender) for name, sender in sorter.received.items()},
    }
    horizon = {} if sorter.horizon == NEVER else {"ReceiveHorizon": sorter.horizon}
    return {name: value for name, value in found.items() if value} | horizon


def _sender_json(sender: Sender) -> Mapping[str, Any]:
    waiting = {each.timestamp: request_json(each) for each in sender.waiting}
    return {
        **({} if sender.last == NEVER else {"Last": sender.last}),
        **({"Buffered": waiting} if waiting else {}),
        **({} if sender.execution_id is None else {"ExecutionId": sender.execution_id}),
        **({} if sender.action < 0 else {"Action": sender.action}),
    }


def sorter_of(found: Mapping[str, Any]) -> MessageSorter:
    return MessageSorter(
        stamp_of(found.get("ReceiveHorizon")),
        {name: _sender_of(sender) for name, sender in _members(found, "ReceivedFromInstance")},
        {name: stamp_of(at) for name, at in _members(found, "LastSentToInstance")},
    )


def _sender_of(found: Mapping[str, Any]) -> Sender:
    waiting = sorted((request_of(each) for _, each in _members(found, "Buffered")), key=lambda each: each.timestamp)
    action = found.get("Action")
    return Sender(
        found.get("ExecutionId"), stamp_of(found.get("Last")), tuple(waiting), -1 if action is None else action
    )


def _members(found: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    return ((key, value) for key, value in (found.get(name) or {}).items() if key != "$type")
