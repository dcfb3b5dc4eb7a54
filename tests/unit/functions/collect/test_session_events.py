"""POST /session/events stores a browser's events under the session of its token."""

import pytest

from tests.unit.functions.collect.events import CALL, EVENT, TRACKING_ID, interaction, stored_records

OWN = {**EVENT, "eventId": "order-7"}


@pytest.fixture
def browse(collect):
    """Return a function that sends a browser's request. By default, the session has no user."""

    def send(body, *, session="s1", user=None):
        context = {"sessionId": session} | ({} if user is None else {"userId": user})
        return collect("POST /session/events", body, authorizer={"lambda": context})

    return send


def test_events_are_stored_under_the_session_of_the_token(browse, aws):
    answer = browse({"eventList": [EVENT]})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    (record,) = stored_records(aws("kinesis"))
    assert record["PartitionKey"] == "s#s1"
    stored = interaction(record)
    assert (stored.user_id, stored.session_id, stored.item_id, stored.event_type) == (None, "s1", "pear", "view")


def test_events_are_stored_under_the_user_of_the_token(browse, aws):
    browse({"eventList": [EVENT], "trackingId": TRACKING_ID}, user="anna")

    (record,) = stored_records(aws("kinesis"))
    assert record["PartitionKey"] == "u#anna"
    assert (interaction(record).user_id, interaction(record).session_id) == ("anna", "s1")


def test_browser_purchase_is_refused_unless_configured(browse, stored, configure, start_new_process):
    sold = {**EVENT, "eventType": "Purchase"}
    message = (
        'eventList[1].eventType is "purchase", expected one that the configuration permits sessions (sessions.events): '
        "view, click, cart, search (1 of 2 events stored)"
    )

    answer = browse({"eventList": [EVENT, sold]})

    assert (answer["statusCode"], answer["document"]["message"]) == (400, message)
    assert [event.event_type for event in stored()] == ["view"]

    configure({"sessions": {"events": ["purchase"]}})
    start_new_process()
    assert browse({"eventList": [sold]})["statusCode"] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"eventList": [EVENT], "userId": "ben"}, 400),
        ({"eventList": [EVENT], "sessionId": "s2"}, 400),
        ({"eventList": [EVENT], "trackingId": "other"}, 404),
        ({"eventList": []}, 400),
        (b"", 400),
    ],
)
def test_invalid_envelope_stores_nothing(browse, stored, body, status):
    assert browse(body)["statusCode"] == status
    assert stored() == []


def test_valid_events_of_a_partly_invalid_call_are_stored(browse, stored):
    answer = browse({"eventList": [EVENT, {**EVENT, "itemId": ""}]})

    assert answer["statusCode"] == 400
    assert answer["document"]["message"].endswith("(1 of 2 events stored)")
    assert len(stored()) == 1


def test_event_id_is_unique_per_session(browse, collect, stored):
    collect("POST /events", {**CALL, "eventList": [OWN]})
    browse({"eventList": [OWN]})
    browse({"eventList": [OWN]}, user="anna")
    browse({"eventList": [OWN]}, session="s2")

    shop, first, again, other = [event.event_id for event in stored()]
    assert shop == "order-7"
    assert first == again
    assert len({shop, first, other}) == 3


def test_repeated_call_has_the_same_event_ids(browse, stored):
    for _ in range(2):
        browse({"eventList": [EVENT, EVENT]})

    ids = [event.event_id for event in stored()]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


def test_browser_events_of_an_erased_user_are_accepted_and_not_stored(browse, stored, erase):
    erase("anna")

    assert browse({"eventList": [EVENT]}, user="anna")["statusCode"] == 200

    assert stored() == []


def test_ids_of_a_token_are_pseudonymised(browse, aws, pseudonyms, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    browse({"eventList": [OWN]}, user="anna")

    (record,) = stored_records(aws("kinesis"))
    stored = interaction(record)
    assert (stored.user_id, stored.session_id) == (pseudonyms.user("anna"), pseudonyms.session("s1"))
    assert b"anna" not in record["Data"]
