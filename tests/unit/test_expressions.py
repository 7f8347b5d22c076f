from datetime import UTC, datetime
from uuid import UUID

import pytest

from fnhost.bindings.contract import Json
from fnhost.bindings.expressions import ExpressionError, SystemVariables, parse, resolve_settings

GUID = UUID("6f1d4bbd-2c4e-4b0c-9d7a-0a1b2c3d4e5f")
SYSTEM = SystemVariables("Resize", lambda: datetime(2024, 5, 1, 8, 4, 9, 120000, UTC), lambda: GUID)
SETTINGS = {"QUEUE": "orders", "EMPTY": ""}


def render(text: str, /, **data: object) -> str:
    return parse(text).render(data, SYSTEM)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("%QUEUE%", "orders"),
        ("a-%QUEUE%-%QUEUE%/{id}", "a-orders-orders/{id}"),
        ("[%EMPTY%]", "[]"),
    ],
)
def test_settings_are_put_in_their_place(text: str, expected: str) -> None:
    assert resolve_settings(text, SETTINGS.get) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x%NONE%", "'%NONE%' does not resolve to a value."),
        ("%%", "'%%' does not resolve to a value."),
        ("%QUEUE%-50%", "The '%' at position 10 does not have a closing '%'."),
    ],
)
def test_a_setting_that_is_not_there(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve_settings(text, SETTINGS.get)
    assert str(caught.value) == message


def test_the_platforms_example() -> None:
    assert render("store/{dir}/{id}.txt", id="42", dir="in") == "store/in/42.txt"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ID}", "7"),
        ("{id:D4}", "0007"),
        ("{id:000}", "007"),
        ("{yes}{none}", "True"),
        ("{text:D4}", "abc"),
        ("{order.Customer.NAME}", "Ann"),
        ("{order.customer}", '{"name": "Ann"}'),
        ("{stored.a.b}", "1.5"),
        ("{Query.id}-{headers.X-Tenant}", "q-t"),
        ("{{{id}}}", "{7}"),
        ("}}{{", "}{"),
        ("", ""),
    ],
)
def test_expressions_are_filled_from_the_data(text: str, expected: str) -> None:
    data = {
        "id": 7,
        "yes": True,
        "none": None,
        "text": "abc",
        "order": {"customer": {"name": "Ann"}},
        "stored": Json('{"a": {"b": 1.5}}'),
        "Query": {"id": "q"},
        "Headers": {"x-tenant": "t"},
    }
    assert render(text, **data) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{rand-guid}", str(GUID)),
        ("{rand-guid:N}", GUID.hex),
        ("{rand-guid:b}", f"{{{GUID}}}"),
        ("{sys.randguid:P}", f"({GUID})"),
        ("{sys.methodname}", "Resize"),
        ("{sys.UtcNow}", "2024-05-01T08-04-09Z"),
        ("{DateTime}", "2024-05-01T08-04-09Z"),
        ("{datetime:yyyy-MM-dd}", "2024-05-01"),
        ("{datetime:yy/M/d H:mm:ss.fff tt zzz}", "24/5/1 8:04:09.120 AM +00:00"),
        ("{datetime:dddd 'the' d, MMM}", "Wednesday the 1, May"),
    ],
)
def test_expressions_that_need_no_data(text: str, expected: str) -> None:
    assert render(text) == expected


def test_the_data_may_have_a_datetime_of_its_own() -> None:
    assert render("{datetime}", DateTime="today") == "today"


def test_every_random_id_is_another() -> None:
    first, second = parse("{rand-guid} {rand-guid}").render({}, SystemVariables("F", lambda: datetime.now(UTC))).split()
    assert first != second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{x}", "No value for named parameter 'x'."),
        ("{x.y}", "No value for named parameter 'x'."),
        ("{a.p}", "Error while accessing 'p': property doesn't exist."),
        ("{a.b.c}", "Error while accessing 'c': property doesn't exist."),
        ("{sys.nothing}", "Error while accessing 'nothing': property doesn't exist."),
        ("{rand-guid:X}", "{rand-guid:X}: 'X' is not a format of a GUID: use N, D, B or P."),
        ("{n:C2}", "{n:C2}: 'C2' is not a format of a whole number: use one like D4 or 0000."),
        ("{datetime:o}", "{datetime:o}: 'o' is not a format of a time here: write it out, like yyyy-MM-ddTHH-mm-ssK."),
    ],
)
def test_an_expression_without_a_value(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(text, a={"b": "text"}, n=3)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{", "}", "a{b", "a}b", "{}", "{a b}", "{a{b}}", "{a:}", "{*rest}"])
def test_a_malformed_text_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)
