"""Typed data as the Python worker's program makes it."""

import pytest

from tests.support.worker_program import worker_module

data, wire = worker_module("data"), worker_module("wire")


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1])
def test_an_integer_of_64_bits_is_sent(value: int) -> None:
    assert data.to_data(data.Datum(value, "int"), wire.Blobs()) == {"int": value}


@pytest.mark.parametrize("value", [-(2**63) - 1, 2**63])
def test_a_longer_integer_fails_in_words(value: int) -> None:
    with pytest.raises(ValueError, match=f"The integer {value} does not fit into 64 bits"):
        data.to_data(data.Datum(value, "int"), wire.Blobs())
