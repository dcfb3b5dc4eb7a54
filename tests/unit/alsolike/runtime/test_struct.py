"""Value objects behave like dataclasses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest

from alsolike.runtime.struct import struct


@struct
class Price:
    kind: ClassVar[str] = "price"
    amount: int
    currency: str = "EUR"
    noted: int = dataclasses.field(default=0, compare=False)
    secret: str = dataclasses.field(default="", repr=False)


@struct
class Reduced(Price):
    before: list[int] = dataclasses.field(default_factory=list)


@struct
class Nothing:
    """Value object without fields."""


def test_objects_with_equal_compared_fields_are_equal():
    assert Price(5, noted=1) == Price(5, "EUR", noted=2)
    assert Price(5) != Price(5, "CHF")
    assert Price(5, secret="a") != Price(5, secret="b")
    assert Nothing() == Nothing()


def test_objects_of_different_classes_are_not_equal():
    assert Price(5) != Reduced(5)
    others: list[object] = [Price(5), (5, "EUR", 0, "")]

    assert Nothing() not in others
    assert Price(5) not in others[1:]


def test_equal_objects_are_one_dictionary_key():
    assert {Price(5, noted=1): "first", Price(5, noted=2): "second", Nothing(): "none"} == {
        Price(5): "second",
        Nothing(): "none",
    }


def test_docstring_is_not_derived_from_the_signature():
    assert (Price.__doc__, Nothing.__doc__) == ("Price", "Value object without fields.")


def test_object_with_a_list_is_unhashable():
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(Reduced(5))


def test_repr_has_all_fields_except_hidden_ones():
    assert repr(Reduced(5, secret="hidden", before=[6])) == "Reduced(amount=5, currency='EUR', noted=0, before=[6])"
    assert repr(Nothing()) == "Nothing()"


def test_unknown_attribute_cannot_be_set():
    with pytest.raises(AttributeError, match="colour"):
        Price(5).colour = "red"  # type: ignore[attr-defined]


def test_replace_returns_a_copy_with_changed_fields():
    assert dataclasses.replace(Price(5, "CHF"), amount=6) == Price(6, "CHF")
    assert dataclasses.asdict(Price(5)) == {"amount": 5, "currency": "EUR", "noted": 0, "secret": ""}


@struct
class Key:
    secret: str

    def __repr__(self):
        return "Key(...)"


def test_custom_repr_is_kept():
    assert repr(Key("hidden")) == "Key(...)"
    assert Key("a") == Key("a")
