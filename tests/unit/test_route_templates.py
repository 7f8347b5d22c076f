"""Route templates (platform/http.md 2): which paths match, with which values, and how long that takes."""

import time

import pytest

from fnhost.bindings.http.constraints import REGEX_TIME, SlowConstraint
from fnhost.bindings.http.templates import BadTemplate, compile_template
from tests.support.effort import is_linear

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"

MATCHES = [
    ("api/hello", "/api/hello", {}),
    ("api/hello", "/API/Hello", {}),
    ("api/hello", "/api/hello/", {}),
    ("api/Hello.World", "/api/hello.world", {}),
    ("", "/", {}),
    ("/", "/", {}),
    ("products/{category}/{id}", "/products/Toys/7", {"category": "Toys", "id": "7"}),
    ("items/{id?}", "/items/5", {"id": "5"}),
    ("items/{id?}", "/items", {}),
    ("items/{id?}", "/items/", {}),
    ("{id?}", "/", {}),
    ("items/{id=5}", "/items", {"id": "5"}),
    ("items/{id=5}", "/items/6", {"id": "6"}),
    ("{a=1}/{b=2}", "/", {"a": "1", "b": "2"}),
    ("{a=1}/{b?}", "/x", {"a": "x"}),
    ("files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
    ("files/{**path}", "/files/a/b/", {"path": "a/b/"}),
    ("files/{*path}", "/files", {}),
    ("files/{*path}", "/files/", {}),
    ("{*path}", "/", {}),
    ("{*path=home}", "/", {"path": "home"}),
    ("a{b}c", "/aXc", {"b": "X"}),
    ("{name}.{ext}", "/a.b.txt", {"name": "a.b", "ext": "txt"}),
    ("{name}.{ext?}", "/photo", {"name": "photo"}),
    ("{name}.{ext?}", "/photo.png", {"name": "photo", "ext": "png"}),
    ("{a}-{b}-{c}", "/1-2-3-4", {"a": "1-2", "b": "3", "c": "4"}),
    ("{a}.{b}", "/.a.b", {"a": ".a", "b": "b"}),
    ("A{b}c", "/axC", {"b": "x"}),
    ("{a}Ü{b}", "/1ü2", {"a": "1", "b": "2"}),
    ("files/{*path}", "/files/a//b", {"path": "a//b"}),
    ("{{literal}}/{id}", "/{literal}/1", {"id": "1"}),
    ("x/{id}", "/x/a%2Fb", {"id": "a%2Fb"}),
    ("x/{id}", "/x/é ü", {"id": "é ü"}),
    ("{id:int}", "/-42", {"id": "-42"}),
    ("{id:long}", "/9000000000", {"id": "9000000000"}),
    ("{id:bool}", "/TRUE", {"id": "TRUE"}),
    ("{id:datetime}", "/2016-12-31", {"id": "2016-12-31"}),
    ("{id:datetime}", "/2016-12-31 7:32pm", {"id": "2016-12-31 7:32pm"}),
    ("{id:datetime}", "/2016-12-31T07:32:00Z", {"id": "2016-12-31T07:32:00Z"}),
    ("{id:decimal}", "/49.99", {"id": "49.99"}),
    ("{id:double}", "/1.2e4", {"id": "1.2e4"}),
    ("{id:float}", "/.5", {"id": ".5"}),
    ("{id:guid}", f"/{GUID}", {"id": GUID}),
    ("{id:guid}", f"/{{{GUID}}}", {"id": f"{{{GUID}}}"}),
    ("{id:guid}", "/" + GUID.replace("-", ""), {"id": GUID.replace("-", "")}),
    ("{id:alpha}", "/Rick", {"id": "Rick"}),
    ("{id:required}", "/x", {"id": "x"}),
    ("{id:minlength(4)}", "/Rick", {"id": "Rick"}),
    ("{id:maxlength(4)}", "/Rick", {"id": "Rick"}),
    ("{id:length(4)}", "/Rick", {"id": "Rick"}),
    ("{id:length(2,4)}", "/abc", {"id": "abc"}),
    ("{id:min(18)}", "/18", {"id": "18"}),
    ("{id:max(120)}", "/-3", {"id": "-3"}),
    ("{id:range(18,120)}", "/91", {"id": "91"}),
    (r"{id:regex(^\d{{3}}-\d{{2}}$)}", "/123-45", {"id": "123-45"}),
    ("{id:regex(^(a|b)x$)}", "/BX", {"id": "BX"}),
    ("{id:alpha:length(6)?}", "/abcdef", {"id": "abcdef"}),
    ("{id:alpha:length(6)?}", "/", {}),
    ("{id:INT=3}", "/", {"id": "3"}),
]

MISSES = [
    ("api/hello", "/api/hell"),
    ("api/hello", "/api/hello/x"),
    ("api/hello", "/apixhello"),
    ("api/a.b", "/api/axb"),
    ("products/{category}/{id}", "/products/toys"),
    ("products/{category}/{id}", "/products//7"),
    ("items/{id?}", "/items/1/2"),
    ("files/{*path}", "/filesystem"),
    ("a{b}c", "/ac"),
    ("a{b}c", "/aaXc"),
    ("{a}-{b}-{c}", "/" + "-" * 2),
    ("files/{*path}", "/files//a"),
    ("{name}.{ext?}", "/photo."),
    ("{name}.{ext}", "/photo"),
    ("{id:int}", "/abc"),
    ("{id:int}", "/2147483648"),
    ("{id:long}", "/9223372036854775808"),
    ("{id:bool}", "/yes"),
    ("{id:datetime}", "/soon"),
    ("{id:datetime}", "/20161231"),
    ("{id:decimal}", "/1e4"),
    ("{id:double}", "/one"),
    ("{id:guid}", "/" + GUID[:-1]),
    ("{id:alpha}", "/Rick7"),
    ("{id:minlength(4)}", "/abc"),
    ("{id:maxlength(4)}", "/abcde"),
    ("{id:length(4)}", "/abc"),
    ("{id:length(2,4)}", "/abcde"),
    ("{id:min(18)}", "/17"),
    ("{id:max(120)}", "/121"),
    ("{id:range(18,120)}", "/17"),
    ("{id:regex(^x+$)}", "/xyx"),
    ("{id:alpha:length(6)?}", "/abc123"),
    ("{id:int=three}", "/"),
]

BAD = [
    ("api//x", "consecutively"),
    ("a/{id", "brace"),
    ("a/id}", "brace"),
    ("a/{}", "name"),
    ("a/{:int}", "name"),
    ("{a}{b}", "separator"),
    ("{a}/{A}", "more than once"),
    ("{*a}/b", "last segment"),
    ("x{*a}", "last segment"),
    ("{*a?}", "neither"),
    ("{a=1?}", "neither"),
    ("{a?}x", "period"),
    ("{a}-{b?}", "period"),
    ("a?b", "cannot contain"),
    ("{a:integer}", "'integer' is not known"),
    ("{a:length(x)}", "not known"),
    ("{a:range(1)}", "not known"),
    ("{a:int(3)}", "not known"),
    ("{a:regex([)}", "regular expression"),
    ("{a:}", "neither"),
]


@pytest.mark.parametrize(("template", "path", "values"), MATCHES)
def test_a_path_matches_with_its_values(template: str, path: str, values: dict[str, str]) -> None:
    assert compile_template(template).match(path) == values


@pytest.mark.parametrize(("template", "path"), MISSES)
def test_a_path_does_not_match(template: str, path: str) -> None:
    assert compile_template(template).match(path) is None


@pytest.mark.parametrize(("template", "reason"), BAD)
def test_a_bad_template_is_refused_by_name(template: str, reason: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        compile_template(template)
    assert f"'{template}'" in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize("template", ["a/{b}", "a/{b:int}/{c:guid?}", "{*rest}", "{a:bool}.{b?}", "{d:datetime}", ""])
def test_the_samples_of_a_template_match_it(template: str) -> None:
    compiled = compile_template(template)
    assert all(compiled.match(sample) is not None for sample in compiled.samples)


@pytest.mark.parametrize(
    ("template", "piece", "end"),
    [
        ("{a}-{b}-{c}", "-", ""),
        ("{a}-{b}-{c}-x", "-", "y"),
        ("{name}.{ext}", ".", ""),
        ("{name}.{ext?}", ".", "x/"),
        ("{a}ab{b}ab{c}", "ab", ""),
        ("{*rest}", "/a", ""),
        ("{id:decimal}", "9,", "x"),
        ("{id:double}", "9", "e"),
        ("{id:datetime}", "1 ", ""),
        ("{id:int}", " ", "x"),
        ("{id:guid}", "{a", ""),
    ],
)
def test_four_times_the_path_takes_at_most_nine_times_as_long(template: str, piece: str, end: str) -> None:
    compiled = compile_template(template)
    small, large = (f"/{piece * size}{end}" for size in (10_000, 40_000))
    assert is_linear(lambda: compiled.match(small), lambda: compiled.match(large))


@pytest.mark.parametrize("expression", ["^(a|a)*$", "(x+x+)+y", "a.*a.*a.*b"])
def test_a_regular_expression_has_its_time(expression: str) -> None:
    compiled = compile_template(f"{{value:regex({expression})}}")
    started = time.thread_time()
    with pytest.raises(SlowConstraint, match="was not decided for a value of 8001 characters"):
        compiled.match("/" + ("x" if "x" in expression else "a") * 8000 + "!")
    assert time.thread_time() - started < 3 * REGEX_TIME
