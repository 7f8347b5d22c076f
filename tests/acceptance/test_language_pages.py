"""The pages on languages, followed: their files are written as they stand there, and their requests are answered."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.durable import WEBHOOKS
from tests.support.hosts import Host, run, running, write_app
from tests.support.node import NODE
from tests.support.npm import link_packages

PAGES = Path(__file__).parents[2] / "docs" / "languages"
FILE = re.compile(r'^```\w+ title="(.+?)"\n(.*?)^```', re.DOTALL | re.MULTILINE)
RECOMMENDED = {"recommendedCities": ["Tokyo", "Seattle"], "recommendedSeasons": ["Spring", "Summer"]}


def files(page: str) -> Mapping[str, str]:
    """Those of the page, by name."""
    return dict(FILE.findall((PAGES / page).read_text("utf-8")))


def expect_what_the_page_says(host: Host) -> None:
    assert host.get("/api/hello/Ada").text == "Hello Ada!"
    statuses = []
    for name, given in (("HelloCities", None), ("CityRecommender", 1)):
        answer = (
            host.post(f"/api/orchestrators/{name}", json=given) if given else host.post(f"/api/orchestrators/{name}")
        )
        assert answer.status_code == 202, answer.text
        statuses.append(host.until(f"{WEBHOOKS}/instances/{answer.json()['id']}", runtimeStatus="Completed"))
    hello, recommender = statuses
    assert (hello["customStatus"], hello["output"]) == ("London", ["Hello Tokyo!", "Hello Seattle!", "Hello London!"])
    assert (recommender["customStatus"], recommender["output"]) == (RECOMMENDED, "Tokyo")


def test_python(tmp_path: Path, hub: Mapping[str, str]) -> None:
    with running(write_app(tmp_path, files("python.md")), **hub, FUNCTIONS_WORKER_RUNTIME="python") as host:
        expect_what_the_page_says(host)


def test_javascript(tmp_path: Path, hub: Mapping[str, str]) -> None:
    with running(link_packages(write_app(tmp_path, files("javascript.md")), "v4"), **hub, **NODE) as host:
        expect_what_the_page_says(host)


@pytest.mark.parametrize("page", ["python.md", "javascript.md", "csharp.md", "java.md", "powershell.md"])
def test_every_page_has_the_same_sample(page: str) -> None:
    text = (PAGES / page).read_text("utf-8")
    for name in ("HelloCities", "CityRecommender", "HttpStart", "## Custom status", "## What was tried"):
        assert name in text, f"{page} has no {name}"


def test_powershell_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Without a worker the rest cannot be tried: what is wrong is that there is none."""
    code, lines = run("check", write_app(tmp_path, files("powershell.md")), PATH="")
    assert code == 1 and not [line for line in lines if "function.json" in line], lines
