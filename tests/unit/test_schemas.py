from typing import Any

import pytest

from fnhost.bindings.registry import binding_types, schemas
from fnhost.bindings.schema import TIMESPAN, Violation, choice, each, members, normalized, timespan, validate

SCHEMAS = schemas()

SOUND: dict[str, dict[str, Any]] = {
    "httpTrigger": {"authLevel": "anonymous", "methods": ["get"], "route": "a/{id:int}"},
    "http": {},
    "timerTrigger": {"schedule": "0 */5 * * * *", "runOnStartup": True, "useMonitor": False},
    "queueTrigger": {"queueName": "work", "connection": "C"},
    "queue": {"queueName": "{to}", "connection": "C"},
    "blobTrigger": {"path": "in/{name}.{ext}", "connection": "C", "source": "EventGrid"},
    "blob": {"path": "out/{name}"},
    "table": {"tableName": "t", "partitionKey": "p", "rowKey": "{id}", "take": 5, "filter": "a eq 1"},
    "manualTrigger": {},
    "warmupTrigger": {},
    "durableClient": {"taskHub": "h", "connectionName": "C"},
    "orchestrationTrigger": {"orchestration": "O"},
    "activityTrigger": {"activity": "A"},
    "entityTrigger": {"entityName": "E"},
}


def test_every_shape_is_tried_here() -> None:
    assert SOUND.keys() == SCHEMAS.keys()


@pytest.mark.parametrize("type", SOUND)
def test_a_sound_entry_passes_as_it_is(type: str) -> None:
    assert validate(SCHEMAS[type], SOUND[type]) == []
    assert normalized(SCHEMAS[type], SOUND[type]) == SOUND[type]


@pytest.mark.parametrize("type", SOUND)
def test_names_match_in_any_case(type: str) -> None:
    loud = {name.upper(): value for name, value in SOUND[type].items()}
    assert validate(SCHEMAS[type], loud) == []
    assert normalized(SCHEMAS[type], loud) == SOUND[type]


@pytest.mark.parametrize(
    ("type", "entry", "pointer", "message"),
    [
        ("httpTrigger", {"AuthLevel": "all"}, "/AuthLevel", "'all' is not one of ['anonymous', 'function', 'admin']"),
        ("httpTrigger", {"methods": "get"}, "/methods", "'get' is not of type 'array'"),
        ("httpTrigger", {"methods": ["get", 1]}, "/methods/1", "1 is not of type 'string'"),
        ("timerTrigger", {}, "", "'schedule' is a required property"),
        ("timerTrigger", {"schedule": None}, "", "'schedule' is a required property"),
        ("timerTrigger", {"schedule": "x", "runOnStartup": 1}, "/runOnStartup", "1 is not of type 'boolean'"),
        ("queueTrigger", {"queuename": 5}, "/queuename", "5 is not of type 'string'"),
        ("blob", {"path": "a/{b"}, "/path", "The '{' at position 2 of 'a/{b' has no partner."),
        ("table", {"tableName": "t", "take": 1.5}, "/take", "1.5 is not of type 'integer'"),
    ],
)
def test_a_fault_is_pointed_at(type: str, entry: dict[str, object], pointer: str, message: str) -> None:
    assert validate(SCHEMAS[type], entry) == [Violation(pointer, message)]


def test_all_faults_are_found_at_once() -> None:
    found = validate(SCHEMAS["table"], {"take": "many", "filter": 1})
    assert {fault.pointer for fault in found} == {"", "/take", "/filter"}


def test_choices_take_the_schemas_spelling() -> None:
    assert normalized(SCHEMAS["blobTrigger"], {"SOURCE": "eventgrid"}) == {"source": "EventGrid"}
    assert normalized(members(level=choice("high")), {"level": "HIGH", "Other": None}) == {
        "level": "high",
        "Other": None,
    }


def test_one_name_written_twice() -> None:
    schema = SCHEMAS["httpTrigger"]
    assert normalized(schema, {"Route": "a", "route": "b", "ROUTE": "c"}) == {"route": "b"}
    assert normalized(schema, {"Route": "a", "ROUTE": "c", "route": None}) == {"route": "c"}
    assert validate(schema, {"methods": None, "Methods": [1]}) == [Violation("/Methods/0", "1 is not of type 'string'")]


def test_pointers_are_escaped() -> None:
    assert validate(each({"type": "string"}), {"a/b~c": 1}) == [Violation("/a~1b~0c", "1 is not of type 'string'")]


def test_types_have_one_name() -> None:
    assert binding_types()["HTTPTRIGGER"].name == "httpTrigger"
    assert binding_types()["orchestrationclient"].name == "durableClient"
    assert binding_types().find("nosuchTrigger") is None
    assert list(SCHEMAS) == list(binding_types().names)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:05:00", 300),
        ("01:30", 5400),
        ("1.02:03:04.5", 93784.5),
        ("-00:00:10", -10),
        ("00:00:00.0000001", 1e-7),
        ("24:00:00", 24 * 86400),
    ],
)
def test_time_spans(text: str, seconds: float) -> None:
    assert timespan(text) == seconds
    assert validate(TIMESPAN, text) == []


@pytest.mark.parametrize("text", ["", "5", "5m", "00:60:00", "00:00:60", "1:2:3:4"])
def test_texts_that_are_no_time_spans(text: str) -> None:
    assert validate(TIMESPAN, text) == [Violation("", f"'{text}' is not a time span like 00:05:00.")]
