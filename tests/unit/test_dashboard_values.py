"""What the dashboard makes of texts: tracebacks, places in JSON files, secrets, requests, values, defaults."""

import re
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import HttpRequest, HttpResponse, Json
from fnhost.host.errors import Problem
from fnhost.host.logging.log import MOST_SEEN
from fnhost.host.web.dashboard.answers import ApiError
from fnhost.host.web.dashboard.exceptions import read_exception, user_place
from fnhost.host.web.dashboard.payloads import Payload, keep, keep_request, shown, shown_payload
from fnhost.host.web.dashboard.places import line_of, lines_of
from fnhost.host.web.dashboard.problems import shown_problem, told
from fnhost.host.web.dashboard.requests import OutgoingRequest, again, read_outgoing
from fnhost.host.web.dashboard.secrets import hidden, is_secret
from fnhost.host.web.dashboard.settings import DEFAULTS

REFERENCE = Path(__file__).parents[2] / "docs/reference/host-json.md"
CHAIN = """Traceback (most recent call last):
  File "{root}/Flow/__init__.py", line 2, in orchestrate
    raise KeyError("id")
KeyError: 'id'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/azure/durable/orchestrator.py", line 90, in handle
    raise OrchestratorError(state) from error
azure.durable.OrchestratorError: several
lines"""
NODE = """TypeError: x is not a function
more
    at inner ({root}/src/functions/a b.js:3:7)
    at file://{root}/src/main.mjs:1:2
    at async run ({root}/node_modules/@azure/functions/dist/x.js:9:1)
[cause]: RangeError: deep
    at Object.<anonymous> ({root}/src/deep.js:5:1)"""


def test_the_users_exception_is_told_before_what_an_sdk_wrapped_around_it(tmp_path: Path) -> None:
    source = tmp_path / "Flow" / "__init__.py"
    source.parent.mkdir()
    source.write_text("def orchestrate(context):\n    raise KeyError('changed')\n")
    found = read_exception("OrchestratorError: several", CHAIN.format(root=tmp_path), tmp_path)
    assert (found["type"], found["message"]) == ("KeyError", "'id'")
    (frame,) = found["frames"]
    assert (frame["file"], frame["line"], frame["is_user"], frame["is_changed"]) == ("Flow/__init__.py", 2, True, True)
    assert [line["line"] for line in frame["source"]] == [1, 2]
    (cause,) = found["causes"]
    assert (cause["type"], cause["message"]) == ("azure.durable.OrchestratorError", "several\nlines")
    assert [frame["is_user"] for frame in cause["frames"]] == [False]
    assert user_place(CHAIN.format(root=tmp_path), tmp_path) == ("Flow/__init__.py", 2)


def test_frames_of_node(tmp_path: Path) -> None:
    found = read_exception("x is not a function\nmore", NODE.format(root=tmp_path), tmp_path)
    assert (found["type"], found["message"]) == ("TypeError", "x is not a function\nmore")
    places = [(frame["file"], frame["line"], frame["function"], frame["is_user"]) for frame in found["frames"]]
    assert places == [
        ("src/functions/a b.js", 3, "inner", True),
        ("src/main.mjs", 1, "", True),
        (f"{tmp_path}/node_modules/@azure/functions/dist/x.js", 9, "async run", False),
    ]
    assert [(cause["type"], len(cause["frames"])) for cause in found["causes"]] == [("RangeError", 1)]


@pytest.mark.parametrize("name", ["/etc/passwd", "../beside.py", "local.settings.json", "missing.py", "a\0b.py"])
def test_the_text_of_an_exception_opens_no_file_but_sources_of_the_app(tmp_path: Path, name: str) -> None:
    (tmp_path / "beside.py").write_text("secret")
    root = tmp_path / "app"
    root.mkdir()
    (root / "local.settings.json").write_text("secret")
    found = read_exception("E: x", f'Traceback (most recent call last):\n  File "{name}", line 1, in f\nE: x', root)
    assert [frame["source"] for frame in found["frames"]] == [[]]


@pytest.mark.parametrize("stack", ["", "garbage", "\n\n", "  File \n    at \n[cause]: "])
def test_a_stack_that_says_nothing_leaves_the_exception(tmp_path: Path, stack: str) -> None:
    found = read_exception("ValueError: bad: worse", stack, tmp_path)
    assert (found["type"], found["message"]) == ("ValueError", "bad: worse")
    assert read_exception("no type here", stack, tmp_path)["message"] == "no type here"


JSON = """{ // "x": {
  "version": "2.0",
  "a/b": [1, {"c":
     null}, "}"], /* two
  lines */ "tail": {},
}"""


def test_the_line_of_a_pointer() -> None:
    assert lines_of(JSON) == {
        "": 1, "/version": 2, "/a~1b": 3, "/a~1b/0": 3, "/a~1b/1": 3, "/a~1b/1/c": 3, "/a~1b/2": 4, "/tail": 5,
    }  # fmt: skip
    assert line_of(JSON, "/A~1b/1/C") == 3
    assert line_of(JSON, "/tail/none/at/all") == 5
    assert line_of("", "/x") == line_of("[[[[", "/x") == 1


def test_problems_have_the_line_of_their_place(tmp_path: Path) -> None:
    (tmp_path / "Quote").mkdir()
    (tmp_path / "Quote/function.json").write_text('{\n"bindings": [\n{"type": "x"}]}')
    problem = shown_problem(Problem("Quote/function.json", "/bindings/0/type", "No such.", "Try.", "Quote"), tmp_path)
    assert (problem["line"], problem["function"], problem["hint"]) == (3, "Quote", "Try.")
    assert shown_problem(Problem("host.json", "line 4 column 2", "Bad."), tmp_path)["line"] == 4
    assert shown_problem(Problem("function_app.py", "", "Bad."), tmp_path)["line"] is None
    text = "The 'Quote' function is in error: Quote/function.json#/bindings/0/type: No such. Try."
    found = told(text, tmp_path)
    assert (found["function"], found["file"], found["line"], found["text"]) == ("Quote", "Quote/function.json", 3, text)
    assert told("Something else: no.", tmp_path)["file"] is None


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("Color", "red", False),
        ("FUNCTIONS_WORKER_RUNTIME", "python", False),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true", False),
        ("AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=a", True),
        ("Shop__Password", "x", True),
        ("API_KEY", "x", True),
        ("Plain", "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b", True),
        ("Url", "https://user:pass@host/", True),
        ("Url", "https://host/path?x=1", False),
        ("Url", "https://host/path?sv=1&sig=abc", True),
        ("Other", "sk-abc", True),
        ("Other", "4f3c9a7e0d1b4f3c9a7e0d1b4f3c9a7e", True),
        ("PATH", "/usr/local/bin:/usr/bin", False),
        ("Empty_Secret", "", False),
        ("Flag_Token", "true", False),
        ("Number", 7, False),
    ],
)
def test_what_is_a_secret(name: str, value: object, secret: bool) -> None:
    assert is_secret(name, value) is secret
    told = hidden(name, value)
    assert told == {"value": None if secret else value, "secret": secret, "length": len(str(value)) if secret else None}


def test_defaults_are_those_of_the_reference() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", REFERENCE.read_text("utf-8"), re.MULTILINE)
    sections = re.split(r"^## ", REFERENCE.read_text("utf-8"), flags=re.MULTILINE)
    found = {f"/{name.replace('.', '/')}": default for name, default in rows}
    for section in sections:
        if title := re.match(r"`(extensions\.\w+)`", section):
            for name, default in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE):
                found[f"/{title[1].replace('.', '/')}/{name}"] = default
    for pointer, value in DEFAULTS.items():
        assert (f'"{value}"' if isinstance(value, str) else str(value)) in found[pointer], pointer


def request(body: bytes = b"", **headers: str) -> HttpRequest:
    return HttpRequest("POST", "http://localhost:7071/api/a%20b?x=1&y=%20", headers, {}, {}, body)


def test_a_kept_request_is_sent_again_as_it_was() -> None:
    kept = keep_request(request(b"\xff\x00", host="h", accept="a,b"))
    outgoing = again(kept)
    assert outgoing == OutgoingRequest("POST", "/api/a%20b?x=1&y=%20", (("host", "h"), ("accept", "a,b")), b"\xff\x00")
    assert read_outgoing({}, outgoing) == outgoing
    with pytest.raises(ApiError, match=r"first 65,536 are kept"):
        again(keep_request(request(bytes(MOST_SEEN + 1))))


def test_what_a_page_may_say_of_a_request() -> None:
    before = OutgoingRequest("GET", "/api/x?a=1", (("k", "v"),), b"old")
    given = read_outgoing({"method": "put", "path": "/ä b", "query": {"q": "1 2"}, "headers": {"n": "v"}}, before)
    assert given == OutgoingRequest("PUT", "/%C3%A4%20b?q=1+2", (("n", "v"),), b"old")
    assert read_outgoing({"query": "?b=2"}, before).target == "/api/x?b=2"
    assert read_outgoing({"body_base64": "/w=="}, before).body == b"\xff"
    assert read_outgoing({"headers": [["a", "b"], {"name": "c", "value": "d"}]}, before).headers == (
        ("a", "b"), ("c", "d"),
    )  # fmt: skip
    wrong: list[dict[str, Any]] = [
        {"method": 1}, {"path": []}, {"query": 1}, {"headers": "x"}, {"headers": [["a"]]}, {"headers": [1]},
        {"headers": {"a": 1}}, {"path": "/\ud800"}, {"query": "\ud800"}, {"body": {}}, {"body_base64": "!"},
    ]  # fmt: skip
    for members in wrong:
        with pytest.raises(ApiError):
            read_outgoing(members, before)


def test_values_are_cut_and_told_with_their_size() -> None:
    long = shown(keep("é" * MOST_SEEN))
    assert long and (long["size"], long["cut"], len(long["text"])) == (2 * MOST_SEEN, MOST_SEEN, MOST_SEEN // 2)
    odd = shown_payload(Payload("aé".encode()[:2], 3))
    assert (odd["text"], odd["cut"]) == ("a", 2)
    binary = shown(keep(b"\xff\xfe"))
    assert binary and (binary["text"], binary["base64"]) == (None, "//4=")
    assert shown(keep(None)) is None
    values = ("x", Json('{"a":1}'), 7, ("a", "b"), HttpResponse("201", {"a": "b"}, b"c"), (b"\xff",))
    texts = [shown(keep(value)) for value in values]
    assert [text and text["text"] for text in texts] == [
        "x", '{"a":1}', "7", '["a","b"]', '{"status":"201","headers":{"a":"b"},"cookies":[],"body":"c"}', '["ÿ"]',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [float("nan"), 10**400, True, "\ud800", Json("\ud800"), (1, 2), HttpResponse(body=(b"a", b"b")), request(b"\xff"),
     HttpResponse(body=HttpResponse(body=Json("[")))],
)  # fmt: skip
def test_any_value_can_be_kept_and_shown(value: Any) -> None:
    shown(keep(value))
