"""Inputs as people know them."""

import json
from typing import Any

import pytest

from fnhost.host.durable.insight.inputs import argument, argument_text, given_value


@pytest.mark.parametrize("value", [{"n": 1}, [1], "Tokyo", "", 5, None, True])
def test_the_value_inside_both_layers_is_shown(value: Any) -> None:
    text = json.dumps(json.dumps(value))
    shown = value if isinstance(value, dict | list) or value in ("Tokyo", "") else json.dumps(value)
    assert given_value(text) == shown


@pytest.mark.parametrize("text", ['{"n":1}', "[1]", '"5"', '"{no JSON"', "null", "no JSON"])
def test_one_layer_is_shown_as_it_is(text: str) -> None:
    found = given_value(text)
    assert found == (text if text == "no JSON" else json.loads(text))


@pytest.mark.parametrize("value", [{"n": 1}, [1], "Tokyo", "5", "", 5, None, True])
def test_the_argument_of_a_call_is_what_the_code_gave(value: Any) -> None:
    assert argument(json.dumps(json.dumps(value))) == value


def test_an_argument_with_one_layer_is_that() -> None:
    assert [argument(text) for text in ('{"n":1}', "1", '"Tokyo"')] == [{"n": 1}, 1, "Tokyo"]


def test_a_label_has_the_value_as_json() -> None:
    assert argument_text(json.dumps(json.dumps("Zürich"))) == '"Zürich"'
