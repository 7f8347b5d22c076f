"""A setting added to, replaced in or removed from local.settings.json, and everything else in it as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.host.commands.settings.document import with_member, without_member
from fnhost.host.load.documents import read_json

COMMENTED = """{
    // for this machine
    "IsEncrypted": false, /* plain */
    "Values": {
        "First": "1", // the first
        "Last": "a,b // no comment", // the last
    },
    "Host": {"LocalHttpPort": 7072}
}
"""


def test_a_setting_is_added_below_the_last_and_its_comment() -> None:
    assert with_member(COMMENTED, ("Values", "New"), "x") == COMMENTED.replace(
        "// the last\n", '// the last\n        "New": "x"\n'
    )


def test_a_value_is_replaced_where_it_stands() -> None:
    assert with_member(COMMENTED, ("values", "First"), 'a"b') == COMMENTED.replace('"1"', '"a\\"b"')


def test_an_object_on_one_line_stays_on_one() -> None:
    changed = with_member(COMMENTED, ("Host", "CORS"), "*")
    assert changed == COMMENTED.replace("7072}", '7072, "CORS": "*"}')


@pytest.mark.parametrize(
    "text", ["{}", "{ }", "{\n}\n", '{\n  "Values": {}\n}', '{ // none\n  "Values": { // none\n  }\n}']
)
def test_sections_are_made_and_filled(text: str) -> None:
    changed = with_member(text, ("Values", "A"), "1")
    assert read_json(changed) == {"Values": {"A": "1"}}
    assert ("// none" in changed) == ("// none" in text)


def test_a_section_that_is_no_object_is_replaced() -> None:
    assert read_json(with_member('{"Values": null}', ("Values", "A"), "1")) == {"Values": {"A": "1"}}


def test_a_removed_setting_takes_its_line_and_no_other_comment() -> None:
    text = (
        '{\n  "Values": {\n    // one\n    "A": "1",\n    // two\n    "B": "2", // the second\n    "C": "3"\n  }\n}\n'
    )
    assert without_member(text, "values", "A") == text.replace('    "A": "1",\n', "")
    assert without_member(text, "Values", "C") == text.replace('    "C": "3"\n', "").replace('"2",', '"2"')
    assert "// the second" in without_member(text, "Values", "B")
    assert without_member(text, "Values", "D") == without_member(text, "None", "A") == text


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
SECTIONS = st.dictionaries(NAMES, st.one_of(st.none(), st.booleans(), st.text(max_size=8)), max_size=5)
GAPS = st.sampled_from(["", " ", "\n", "\n    ", ' // a, "b": {\n', "/* } , */", "\t"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A text with comments and trailing commas, and what it says."""
    content = {"First": draw(st.text(max_size=3)), "Values": draw(SECTIONS), "Host": draw(SECTIONS)}
    return draw(GAPS) + _written(draw, content) + draw(GAPS), content


def _written(draw: st.DrawFn, value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    members = [
        f"{draw(GAPS)}{json.dumps(name)}{draw(GAPS)}:{draw(GAPS)}{_written(draw, each)}{draw(GAPS)}"
        for name, each in value.items()
    ]
    last = draw(st.sampled_from(["", ","])) if members else ""
    return "{" + ",".join(members) + last + draw(GAPS) + "}"


@given(documents(), NAMES, st.text(max_size=5))
def test_only_what_was_asked_for_changes(document: tuple[str, dict[str, Any]], name: str, value: str) -> None:
    text, content = document
    changed = with_member(text, ("Values", name), value)
    assert read_json(changed) == {**content, "Values": {**content["Values"], name: value}}
    removed = without_member(changed, "Values", name)
    content["Values"].pop(name, None)
    assert read_json(removed) == content
