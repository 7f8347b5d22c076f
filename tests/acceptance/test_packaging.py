"""What an installation exposes: `fnhost` alone, so that an app's own modules keep their names."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.hosts import http, running, write_app

REPOSITORY = Path(__file__).parents[2]
NAMES = ("host", "bindings", "azurite", "tests", "benchmarks", "functions")
DASHBOARD = "fnhost/host/web/dashboard/"
MODULE = "def word():\n    return 'own {}'\n"
FUNCTION = f"""
import {", ".join(NAMES)}


def main(req) -> str:
    return " ".join(module.word() for module in ({", ".join(NAMES)}))
"""
APP = {
    "Hello/__init__.py": FUNCTION,
    "Hello/function.json": http(),
    "local.settings.json": "{}",
    **{f"{name}.py": MODULE.format(name) for name in NAMES[:3]},
    **{f"{name}/__init__.py": MODULE.format(name) for name in NAMES[3:]},
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_a_wheel_holds_one_import_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"fnhost"}
    assert {"fnhost/host/cli.py", "fnhost/azurite/package-lock.json", "fnhost/bindings/py.typed"} <= set(names)
    assert "fnhost/host/worker/languages/python/start.py" in names
    assert "fnhost/host/web/openapi/admin.yaml" in names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]
    pages = [name.removeprefix(DASHBOARD) for name in names if name.startswith(DASHBOARD)]
    assert "static/index.html" in pages
    assert not [name for name in pages if name.startswith("ui/")]


def imported(environment: Mapping[str, str], folder: Path) -> set[str]:
    """Which of the folders' names can be imported outside of the checkout."""
    program = f"from importlib.util import find_spec; print(*(n for n in {NAMES!r} if find_spec(n)))"
    told = subprocess.run(
        (sys.executable, "-c", program), cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return set(told.stdout.split())


def test_an_editable_install_exposes_no_folder_beside_the_package(tmp_path: Path) -> None:
    ours = imported({key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, tmp_path)
    assert not ours & {"host", "bindings", "azurite", "benchmarks", "functions"}


@pytest.mark.parametrize("installed", ["from-the-checkout", "from-a-wheel"])
def test_an_app_runs_its_own_modules_of_these_names(tmp_path: Path, wheel: Path, installed: str) -> None:
    settings = {}
    if installed == "from-a-wheel":
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
        settings["PYTHONPATH"] = str(tmp_path / "site")
    app = write_app(tmp_path / "app", APP)
    with running(app, **settings) as host:
        assert host.get("/api/Hello").text == " ".join(f"own {name}" for name in NAMES)
