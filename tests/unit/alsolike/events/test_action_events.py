import dataclasses

import pytest

from alsolike.events.action_events import ActionEvent, action_events, action_properties, action_type
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED, parse_record
from alsolike.runtime.errors import InvalidInput
from tests.builders.lambda_events import NOW_MS, interaction


@pytest.mark.parametrize("text", ["Not Taken", "NOT_TAKEN", "nottaken", "not-taken"])
def test_action_outcome_is_read_in_any_spelling(text):
    assert action_type(text) == ACTION_NOT_TAKEN


def test_other_actions_of_an_impression_are_views():
    properties = action_properties("app", ["mail", "app", "mail"], {"channel": "web"})

    assert action_events(5, ACTION_TAKEN, properties) == [
        ActionEvent(5, "app", ACTION_TAKEN),
        ActionEvent(5, "mail", ACTION_VIEWED),
    ]


def test_record_of_an_action_is_parsed_without_an_item():
    taken = interaction(item_id=None, event_type=ACTION_TAKEN, properties=action_properties("app", ["app"]))

    assert parse_record(taken.to_record(), arrived_ms=NOW_MS) == taken


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"item_id": "pear"}, "item_id or query is given, expected none for event_type 'action:taken'"),
        ({"query": "pears"}, "item_id or query is given"),
        ({"properties": "{}"}, "properties.actionId is missing"),
        ({"properties": '{"actionId": "app", "impression": []}'}, "properties.impression has 0 elements"),
        ({"properties": '{"actionId": "app", "item": 1}'}, "properties.item is not a known field"),
    ],
)
def test_invalid_record_of_an_action_is_refused(fields, reason):
    taken = interaction(item_id=None, event_type=ACTION_TAKEN, properties=action_properties("app"))
    record = dataclasses.replace(taken, **fields)

    with pytest.raises(InvalidInput, match=reason):
        parse_record(record.to_record(), arrived_ms=NOW_MS)
