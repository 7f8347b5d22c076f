"""Which Python runs the app is said with its reason; what it lacks is said once; an install is noticed."""

import sys
import venv
from pathlib import Path

import pytest

from fnhost.host.start.watch import is_install
from tests.support.hosts import http, running, write_app

HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http()}
EXECUTABLE = {
    "Which/__init__.py": "import sys\n\n\ndef main(req):\n    return sys.executable\n",
    "Which/function.json": http(),
}
NEEDY = {
    "Bad/__init__.py": "import brand_new\n\n\ndef main(req):\n    return brand_new.TEXT\n",
    "Bad/function.json": http(),
}


def make_environment(folder: Path) -> Path:
    """A virtual environment with the packages of this one in reach. Its site-packages."""
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/python3*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site_packages / "ours.pth").write_text("\n".join(ours))
    return site_packages


@pytest.mark.parametrize("name", ["venv", "env", ".venv"])
def test_an_environment_in_the_app(name: str, tmp_path: Path) -> None:
    make_environment(tmp_path / name)
    with running(write_app(tmp_path, EXECUTABLE)) as host:
        python = str(tmp_path / name / "bin" / "python")
        host.output.until(f"Python: {python} (the app's {name})")
        assert host.get("/api/Which").text == python


def test_the_environment_that_the_editor_uses(tmp_path: Path) -> None:
    make_environment(tmp_path / "app" / "venv")
    make_environment(tmp_path / "mine")
    settings = '{\n  // "azureFunctions.pythonVenv": "wrong",\n  "azureFunctions.pythonVenv": "../mine",\n}\n'
    with running(write_app(tmp_path / "app", {**EXECUTABLE, ".vscode/settings.json": settings})) as host:
        host.output.until("(azureFunctions.pythonVenv in .vscode/settings.json)")
        assert host.get("/api/Which").text == str(tmp_path / "mine" / "bin" / "python")


def test_the_hosts_own_python(tmp_path: Path) -> None:
    with running(write_app(tmp_path, EXECUTABLE)) as host:
        host.output.until(f"Python: {sys.executable} (the Python that runs fnhost)")


def test_what_is_missing_is_said_once_and_an_install_is_noticed(tmp_path: Path) -> None:
    packages = make_environment(tmp_path / ".venv")
    files = {**HELLO, **NEEDY, "requirements.txt": "brand_new\n"}
    with running(write_app(tmp_path, files)) as host:
        python = tmp_path / ".venv" / "bin" / "python"
        told = f"brand_new is not installed for {python} (the app's .venv). Name it in requirements.txt and run: "
        host.output.until(f"{told}{python} -m pip install -r {tmp_path / 'requirements.txt'}")
        assert [host.get("/api/Bad").status_code for _ in range(3)] == [500] * 3
        host.output.until("Exception: cannot load the Bad function", 3)
        assert host.output.count("is not installed for") == 1
        (packages / "brand_new.py").write_text("TEXT = 'installed'\n")
        host.until_text("/api/Bad", "installed")


def test_what_the_interpreter_writes_is_no_install() -> None:
    assert not is_install(["/p/site-packages/__pycache__", "/p/site-packages/__pycache__/six.cpython-311.pyc"])
    assert is_install(["/p/site-packages/__pycache__", "/p/site-packages/six.py"])


def test_an_environment_of_uv_has_no_pip_of_its_own(tmp_path: Path) -> None:
    make_environment(tmp_path / ".venv")
    with (tmp_path / ".venv" / "pyvenv.cfg").open("a") as file:
        file.write("uv = 0.5.0\n")
    with running(write_app(tmp_path, {**HELLO, **NEEDY})) as host:
        host.output.until(f"Run: uv pip install --python {tmp_path / '.venv' / 'bin' / 'python'} brand_new")
