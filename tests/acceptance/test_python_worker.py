"""What the Python worker does shows in the whole host: settings, exits of user code, texts of every kind.

Rules from platform/python-worker.md.
"""

from pathlib import Path

from tests.support.hosts import bindings, http, running, write_app

HELLO = {"Hello/__init__.py": "def main(req): return 'hello'", "Hello/function.json": http()}
NO_EFFECT = "The setting PYTHON_ISOLATE_WORKER_DEPENDENCIES has no effect here"


def test_a_setting_without_effect_is_named_once_however_often_the_app_is_loaded(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO), PYTHON_ISOLATE_WORKER_DEPENDENCIES="1") as host:
        for text in ("again", "and again"):
            host.write("Hello/__init__.py", f"def main(req): return {text!r}")
            host.until_text("/api/Hello", text)
        assert host.output.count(NO_EFFECT) == 1


def test_an_http_binding_in_both_directions_is_refused_in_words(tmp_path: Path) -> None:
    request = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    response = {"name": "res", "type": "http", "direction": "inout"}
    files = {"Both/__init__.py": "def main(req, res): ...", "Both/function.json": bindings(request, response)}
    with running(write_app(tmp_path, files)) as host:
        assert host.get("/api/Both").status_code == 500
        host.output.until("Executed 'Functions.Both' (Failed")
        host.output.until('"inout" bindings are not supported')
        assert "Traceback" not in host.output.text
