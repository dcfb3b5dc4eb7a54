import orjson
import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.declarations.limits import MAX_ACTIONS
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.collect.events import ARN, TRACKING_ID

SECOND = NOW_MS // 1000


def put_actions(collect, *actions):
    return collect("POST /actions", {"datasetArn": f"{ARN}/ACTIONS", "actions": list(actions)})


def put_interactions(collect, *interactions):
    body = {"trackingId": TRACKING_ID, "actionInteractions": list(interactions)}
    return collect("POST /action-interactions", body)


def sent(**fields):
    defaults = {"actionId": "app", "userId": "anna", "sessionId": "s1", "timestamp": SECOND, "eventType": "TAKEN"}
    return {**defaults, **fields}


def test_actions_are_stored_and_later_calls_replace_them(collect, aws, artefact_bucket, counted):
    put_actions(collect, {"actionId": "app", "properties": '{"value": 2}'}, {"actionId": "mail"})

    answer = put_actions(collect, {"actionId": "app", "properties": '{"value": 3}'})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    assert ActionStore(aws("s3"), artefact_bucket).all() == [Action("app", {"value": 3}), Action("mail", {})]
    assert counted() == {"ActionsAccepted": 3}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"value": -1}, "actions[0].properties.value is -1, expected at least 0"),
        ({"repeatFrequency": "weekly"}, 'actions[0].properties.repeatFrequency is "weekly", expected a number'),
        (
            {"actionExpirationTimestamp": 1_790_000_000_000},
            "actions[0].properties.actionExpirationTimestamp is 1790000000000, expected seconds since 1970, "
            "before the year 10000",
        ),
    ],
)
def test_invalid_action_is_refused_and_other_actions_are_stored(collect, aws, artefact_bucket, properties, reason):
    answer = put_actions(collect, {"actionId": "app", "properties": properties}, {"actionId": "mail"})

    assert answer["statusCode"] == 400
    assert answer["document"]["message"] == f"{reason} (1 of 2 actions stored)"
    assert ActionStore(aws("s3"), artefact_bucket).all() == [Action("mail", {})]


def test_more_actions_than_the_limit_are_refused(collect, aws, artefact_bucket):
    ActionStore(aws("s3"), artefact_bucket).put(
        (Action(f"action {number}", {}) for number in range(MAX_ACTIONS)), now_ms=0
    )

    answer = put_actions(collect, {"actionId": "one more"})

    assert answer["statusCode"] == 400
    assert answer["document"]["message"] == "there would be 1,001 actions, expected at most 1,000"


def test_expired_actions_are_removed_to_admit_new_actions(collect, aws, artefact_bucket):
    store = ActionStore(aws("s3"), artefact_bucket)
    ends = {number: {"actionExpirationTimestamp": SECOND + number - 2} for number in range(4)}
    store.put((Action(f"{number}", ends.get(number, {})) for number in range(MAX_ACTIONS)), now_ms=0)

    answer = put_actions(collect, {"actionId": "one more"})

    assert answer["statusCode"] == 200
    stored = {action.action_id for action in store.all()}
    assert len(stored) == MAX_ACTIONS - 2
    assert {"one more", "3"} <= stored
    assert not {"0", "1", "2"} & stored


def test_action_interactions_are_put_on_the_stream(collect, stored, counted):
    answer = put_interactions(
        collect,
        sent(eventId="e1", impression=["app", "mail"], properties='{"channel": "web"}', recommendationId="r1"),
        sent(actionId="mail", eventType="Not taken"),
    )

    assert (answer["statusCode"], answer["document"]) == (200, {})
    first, second = stored()
    assert (first.event_id, first.user_id, first.session_id, first.item_id) == ("e1", "anna", "s1", None)
    assert (first.event_type, first.recommendation_id, first.event_time_ms) == (ACTION_TAKEN, "r1", SECOND * 1000)
    properties = {"actionId": "app", "impression": ["app", "mail"], "properties": {"channel": "web"}}
    assert orjson.loads(first.properties) == properties
    assert second.event_type == ACTION_NOT_TAKEN
    assert counted() == {"EventsAccepted": 2}


def test_repeated_call_without_event_ids_puts_the_same_events(collect, stored):
    put_interactions(collect, sent())
    put_interactions(collect, sent())

    assert len({event.event_id for event in stored()}) == 1


def test_invalid_action_interaction_is_refused_and_others_are_stored(collect, stored, counted):
    answer = put_interactions(collect, sent(eventType="Clicked"), sent(), sent(actionId=""))

    assert answer["statusCode"] == 400
    assert counted() == {"EventsAccepted": 1, "EventsRejected": 2, "RequestsRejected": 1}
    assert answer["document"]["message"] == (
        'actionInteractions[0].eventType is "Clicked", expected Taken, Not Taken or Viewed; '
        'actionInteractions[2].actionId is "", expected a non-empty string (1 of 3 action interactions stored)'
    )
    assert len(stored()) == 1


def test_action_interactions_for_another_tracking_id_are_refused(collect):
    answer = collect("POST /action-interactions", {"trackingId": "other", "actionInteractions": [sent()]})

    assert answer["statusCode"] == 404
