import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import InvalidInput
from functions.start_training.trigger import Cause, Trigger, read_trigger

EVENT = {"version": "0", "id": "7", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}


@pytest.mark.parametrize(
    ("document", "trigger"),
    [
        ({}, Trigger(Cause.BY_HAND)),
        ({"trigger": "schedule"}, Trigger(Cause.SCHEDULE)),
        ({"trigger": "new-data", "reason": " 1,000 more "}, Trigger(Cause.NEW_DATA, "1,000 more")),
        ({"version": "20260301t040506-8cb309"}, Trigger(Cause.BY_HAND, version="20260301t040506-8cb309")),
        ({"version": "v1", "reason": "for spring"}, Trigger(Cause.BY_HAND, "for spring", "v1")),
        (EVENT, Trigger(Cause.SCHEDULE)),
    ],
)
def test_input_is_parsed_into_cause_reason_and_version(document, trigger):
    assert read_trigger(document) == trigger


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the input is a list, expected an object"),
        (None, "the input is a NoneType, expected an object"),
        ({"trigger": "moon"}, "trigger is 'moon', expected one of schedule, new-data, drift, by-hand"),
        ({"trigger": None}, "trigger is None, expected text"),
        ({"versions": "v1"}, "the input has 'versions', expected only trigger, reason, version"),
        ({"version": 7}, "version is 7, expected text"),
        ({"version": ""}, "version is '', expected 1 to 100 letters"),
        ({"version": "../v1"}, r"version is '\.\./v1', expected 1 to 100 letters"),
        ({"reason": ""}, "reason is '', expected text or null"),
        ({"reason": " \n"}, "reason is ' .n', expected text or null"),
        ({"reason": "x" * 701}, "reason has 701 characters, expected at most 700"),
    ],
)
def test_invalid_input_is_refused_with_field_and_value(document, message):
    with pytest.raises(InvalidInput, match=message):
        read_trigger(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["trigger", "reason", "version", "source", "detail-type"])


@given(JSON | st.dictionaries(NAMES, JSON | st.sampled_from([*Cause, "v1"])))
def test_any_input_is_parsed_or_refused(document):
    try:
        read = read_trigger(document)
    except InvalidInput:
        return
    assert read.cause in Cause
    assert read == read_trigger(document)
