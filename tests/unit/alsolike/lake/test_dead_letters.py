"""Reasons for quarantine, which contain no values because these may be personal data."""

import pytest

from alsolike.lake.dead_letters import DeadLetter, Kind


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ('user_id is "anna", expected a string', "user_id is …, expected a string"),
        (r'user_id is "a\"bob@shop.example", expected a string', "user_id is …, expected a string"),
        ('event_value is {"a":"bob… (300 characters), expected a number', "event_value is {…:…"),
        ("event_type is 'it\\'s bob', expected one", "event_type is …, expected one"),
        ("'utf-8' codec can't decode byte 7 in position 3", "… codec can't decode byte … in position …"),
        ("bob@shop.example is not a known field, expected user_id", "… is not a known field, expected user_id"),
        ("event_time_ms is -1.5e+20, expected null", "event_time_ms is …, expected …"),
    ],
)
def test_reason_class_contains_no_values(reason: str, expected: str) -> None:
    assert DeadLetter("key", Kind.RECORD, reason, 0, ()).reason_class == expected
