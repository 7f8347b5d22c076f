"""The samples of the repository, in each language, asked as the tour in the README asks them."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.hosts import Host, running
from tests.support.npm import SAMPLES, packages

REPOSITORY = Path(__file__).parents[2]
WEBHOOKS = "/runtime/webhooks/durabletask"


@pytest.fixture(scope="module", params=["python", "javascript"])
def samples(
    request: pytest.FixtureRequest, hub: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    copy = {"python": python_samples, "javascript": javascript_samples}[request.param]
    # No setting names the language: the scripts do.
    with running(copy(tmp_path_factory.mktemp("samples") / "app"), **hub, FUNCTIONS_WORKER_RUNTIME="") as host:
        yield host


def python_samples(app: Path) -> Path:
    unwanted = shutil.ignore_patterns("__pycache__", "node_modules", "local.settings.json")
    shutil.copytree(REPOSITORY / "functions", app / "functions", ignore=unwanted)
    shutil.copy(REPOSITORY / "host.json", app)
    return app


def javascript_samples(app: Path) -> Path:
    shutil.copytree(SAMPLES, app, ignore=shutil.ignore_patterns("node_modules", "local.settings.json"))
    (app / "node_modules").symlink_to(packages(SAMPLES), target_is_directory=True)
    return app


def test_an_orchestration_started_by_a_function_is_answered_with_its_custom_status(samples: Host) -> None:
    answer = samples.post("/api/orchestrators/HelloCities")
    assert answer.status_code == 200
    assert answer.json()["customStatus"] == "London"
    assert answer.json()["name"] == "HelloCities"


def test_the_output_of_an_orchestration_is_what_it_returned(samples: Host) -> None:
    started = samples.post(f"{WEBHOOKS}/orchestrators/HelloCities").json()
    status = samples.until(started["statusQueryGetUri"], runtimeStatus="Completed")
    assert status["output"] == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]
    assert status["customStatus"] == "London"


@pytest.mark.parametrize(
    ("choice", "cities", "seasons"),
    [
        (1, ["Tokyo", "Seattle"], ["Spring", "Summer"]),
        (2, ["Seattle", "London"], ["Summer"]),
        (3, ["Tokyo", "London"], ["Spring", "Summer"]),
    ],
)
def test_the_city_recommender(samples: Host, choice: int, cities: list[str], seasons: list[str]) -> None:
    started = samples.post(f"{WEBHOOKS}/orchestrators/CityRecommender", json=str(choice)).json()
    recommended = {"recommendedCities": cities, "recommendedSeasons": seasons}
    samples.until(started["statusQueryGetUri"], customStatus=recommended, runtimeStatus="Running")
    ended = samples.until(started["statusQueryGetUri"], runtimeStatus="Completed")
    assert (ended["customStatus"], ended["output"]) == (recommended, cities[0])


def test_the_function_that_starts_answers_when_there_is_no_london(samples: Host) -> None:
    answer = samples.post("/api/orchestrators/CityRecommender", json=2)
    assert (answer.status_code, answer.json()["output"]) == (200, "Seattle")


def test_the_function_that_starts_says_what_it_cannot_start(samples: Host) -> None:
    answer = samples.post("/api/orchestrators/Nobody")
    assert (answer.status_code, "doesn't exist" in answer.text) == (400, True)
    assert samples.post("/api/orchestrators/HelloCities", content=b"{").status_code == 400


def test_a_custom_status_that_is_an_object(samples: Host) -> None:
    started = samples.post(f"{WEBHOOKS}/orchestrators/SetStatusTest/instance123")
    assert started.status_code == 202
    wanted = {"nextActions": ["A", "B", "C"], "foo": 2}
    samples.until(f"{WEBHOOKS}/instances/instance123", customStatus=wanted)
    ended = samples.until(f"{WEBHOOKS}/instances/instance123", runtimeStatus="Completed")
    assert (ended["customStatus"], ended["output"]) == (wanted, "done")


def test_an_http_function(samples: Host) -> None:
    assert samples.get("/api/hello?name=Ada").text == "Hello, Ada."
    assert samples.post("/api/hello", json={"name": "Ada"}).text == "Hello, Ada."
    assert samples.get("/api/hello").status_code == 400


def test_a_route_with_constraints(samples: Host) -> None:
    assert samples.get("/api/products/books/12").json() == {"category": "books", "id": "12"}
    assert samples.get("/api/products/books").json() == {"category": "books"}
    assert samples.get("/api/products/books/twelve").status_code == 404
    assert samples.get("/api/products/4711").status_code == 404
