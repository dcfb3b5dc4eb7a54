"""Events of browsers, stored under the session of their token, and the limit of a session with a site key."""

from typing import Any

import pytest

from tests.unit.functions.collect.events import CALL, EVENT, TRACKING_ID, interaction, stored_records

OWN = {**EVENT, "eventId": "order-7"}


@pytest.fixture
def browse(collect):
    """Return a function that sends a browser's request. By default, the session has no user."""

    def send(body, *, session="s1", user=None, site=None):
        context = (
            {"sessionId": session}
            | ({} if user is None else {"userId": user})
            | ({} if site is None else {"site": site})
        )
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


def test_event_id_is_unique_per_session(browse, collect, stored):
    collect("POST /events", {**CALL, "eventList": [OWN]})
    browse({"eventList": [OWN]})
    browse({"eventList": [OWN]}, user="anna")
    browse({"eventList": [OWN]}, session="s2")

    shop, first, again, other = [event.event_id for event in stored()]
    assert shop == "order-7"
    assert first == again
    assert len({shop, first, other}) == 3


def test_ids_of_a_token_are_pseudonymised(browse, aws, pseudonyms, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    browse({"eventList": [OWN]}, user="anna")

    (record,) = stored_records(aws("kinesis"))
    stored = interaction(record)
    assert (stored.user_id, stored.session_id) == (pseudonyms.user("anna"), pseudonyms.session("s1"))
    assert b"anna" not in record["Data"]


TYPES = ("view", "click", "cart")
"""Event types that a session may send with an item."""
DAY_S = 86_400
SENT_AT: Any = EVENT["sentAt"]


@pytest.fixture
def visit(browse, configure):
    """Return a function that sends events of a session with a site key."""
    configure({"sessions": {"sites": {"www": {"origins": ["https://www.shop.example"]}}}})
    return lambda *events, session="v-1", site="www": browse({"eventList": events}, session=session, site=site)


def test_one_session_counts_once_per_type_and_item(visit, stored):
    for call in range(30):
        sent = {**EVENT, "eventType": TYPES[call % 3]}
        answer = visit(*({**sent, "eventId": f"{call}-{n}", "sentAt": SENT_AT - n} for n in range(10)))
        assert answer["statusCode"] == 200

    events = stored()
    assert len(events) == 300
    assert len({event.event_id for event in events}) == len(TYPES)  # Profiles, datasets and trends count an ID once.


def test_two_sessions_and_two_days_count_separately(visit, stored):
    visit(EVENT, {**EVENT, "sentAt": SENT_AT - DAY_S + 60})
    visit(EVENT, session="v-2")

    ids = {event.event_id for event in stored()}
    assert len(ids) == 3


@pytest.mark.parametrize("age_s", [DAY_S + 60, 400 * DAY_S, -3_600])
def test_event_of_another_time_is_rejected(visit, aws, age_s):
    answer = visit(EVENT, {**EVENT, "sentAt": SENT_AT - age_s})

    assert answer["statusCode"] == 400
    assert "expected at most a day with a site key (1 of 2 events stored)" in answer["document"]["message"]


def test_removed_site_key_stores_nothing(visit, stored):
    answer = visit(EVENT, site="gone")

    assert answer["statusCode"] == 400
    assert answer["document"]["message"].startswith('the token\'s site key is "gone"')
    assert stored() == []
