"""Hosts of one task hub as processes, which are killed, stopped and started again while orchestrations run."""

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.durable import ACTIVITY, ORCHESTRATOR, WEBHOOKS
from tests.support.hosts import Host, http, running, write_app

MARKED = """
import uuid


def main(given: list) -> str:
    token = uuid.uuid4().hex
    with open(given[0], "a") as file:
        file.write(f"{given[1]} {token}\\n")
    return token
"""
JOB = """
from datetime import timedelta

import azure.durable_functions as df


def orchestrate(context):
    log, us = context.get_input()["log"], context.instance_id

    def mark(step):
        return context.call_activity("Mark", [log, f"{us}/{step}"])

    tokens = [(yield mark("first"))]
    tokens += yield context.task_all([mark(f"fan {number}") for number in range(4)])
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.5))
    tokens += yield context.call_sub_orchestrator("Child", {"log": log}, us + "-child")
    tokens.append((yield mark("last")))
    return tokens


main = df.Orchestrator.create(orchestrate)
"""
CHILD = """
import azure.durable_functions as df


def orchestrate(context):
    log = context.get_input()["log"]
    return [(yield context.call_activity("Mark", [log, f"{context.instance_id}/only"]))]


main = df.Orchestrator.create(orchestrate)
"""
STEPS = ("{}/first", "{}/fan 0", "{}/fan 1", "{}/fan 2", "{}/fan 3", "{}-child/only", "{}/last")
"""In the order of the job's result."""
APP = {
    "Hello/__init__.py": "def main(req):\n    return 'hello'\n",
    "Hello/function.json": http(),
    "Job/__init__.py": JOB,
    "Job/function.json": ORCHESTRATOR,
    "Child/__init__.py": CHILD,
    "Child/function.json": ORCHESTRATOR,
    "Mark/__init__.py": MARKED,
    "Mark/function.json": ACTIVITY,
}


@dataclass
class Storm:
    """Some places where a host runs or may be started; each job is asked of whoever is there."""

    folders: Sequence[Path]
    log: Path
    settings: Mapping[str, str]
    chance: random.Random
    hosts: dict[int, Host] = field(default_factory=dict)
    lives: dict[int, ExitStack] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)

    def start(self, place: int) -> None:
        life = ExitStack()
        self.hosts[place] = life.enter_context(running(self.folders[place], **self.settings))
        self.lives[place] = life

    def kill(self, place: int) -> None:
        self.hosts.pop(place).kill()
        self.lives.pop(place).close()

    def stop(self, place: int) -> None:
        self.hosts.pop(place).interrupt()
        self.lives.pop(place).close()

    def close(self) -> None:
        for life in self.lives.values():
            life.close()

    def ask(self, count: int) -> None:
        """Start so many jobs more."""
        for _ in range(count):
            job = f"job{len(self.jobs)}-{uuid.uuid4().hex[:6]}"
            self.jobs.append(job)
            host = self.chance.choice(list(self.hosts.values()))
            answer = host.post(f"{WEBHOOKS}/orchestrators/Job/{job}", json={"log": str(self.log)})
            assert answer.status_code == 202, answer.text

    def blow(self, seconds: float, jobs: int) -> None:
        """Let hosts die, end and come, at least one being there, while jobs are started."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.ask(jobs)
            place = self.chance.randrange(len(self.folders))
            if place not in self.hosts:
                self.start(place)
            elif len(self.hosts) > 1:
                self.chance.choice([self.kill, self.kill, self.stop])(place)

    def results(self, patience: float) -> Mapping[str, Any]:
        """What became of each job, asked of any host."""
        end = time.monotonic() + patience
        host = next(iter(self.hosts.values()))

        def result(job: str) -> Any:
            while (found := status(host.client, job))["runtimeStatus"] != "Completed":
                assert time.monotonic() < end, f"{job} did not end: {found}\n{host.output.text}"
                time.sleep(0.1)
            return found

        with ThreadPoolExecutor(4) as askers:
            return dict(zip(self.jobs, askers.map(result, self.jobs), strict=True))

    def runs(self) -> Mapping[str, list[str]]:
        """The tokens of each activity, one for each time that it ran."""
        found: dict[str, list[str]] = {}
        for line in self.log.read_text("utf-8").splitlines():
            step, _, token = line.rpartition(" ")
            found.setdefault(step, []).append(token)
        return found

    def check(self, patience: float) -> Counter[int]:
        """Every job has ended once and holds a result of each activity. How often activities ran."""
        results, runs = self.results(patience), self.runs()
        for job, found in results.items():
            steps = [step.format(job) for step in STEPS]
            assert len(found["output"]) == len(steps)
            for step, token in zip(steps, found["output"], strict=True):
                assert token in runs[step], f"{step} ended with what no activity returned"
            ends = [event["EventType"] for event in found["historyEvents"]].count("ExecutionCompleted")
            assert ends == 1, f"{job} ended {ends} times"
        return Counter(len(tokens) for tokens in runs.values())


def status(client: httpx.Client, job: str) -> dict[str, Any]:
    return dict(json.loads(client.get(f"{WEBHOOKS}/instances/{job}?showHistory=true").text))


def storm(root: Path, places: Sequence[str], settings: Mapping[str, str], seed: int) -> Iterator[Storm]:
    """One place for each name; places of the same name share an app's folder."""
    for name in dict.fromkeys(places):
        write_app(root / name, APP)
    log = root / "log.txt"
    log.touch()
    found = Storm([root / name for name in places], log, settings, random.Random(seed))
    try:
        yield found
    finally:
        found.close()
