"""A visitor who logs in keeps the session's history, also after redeliveries."""

import time

from alsolike.events.interactions import Interaction
from alsolike.profiles.profile_table import ProfileStore
from tests.booted.shop import eventually

SESSION, USER = "visit-7", "newcomer"
START = time.time() - 600


def event(minute, item, user=None):
    """Return an event of the session in the form in which collect writes it to the stream."""
    time_ms = int((START + 60 * minute) * 1000)
    return Interaction(
        event_id=f"{SESSION}-{item}",
        user_id=user,
        session_id=SESSION,
        item_id=item,
        event_type="purchase",
        event_value=None,
        event_time_ms=time_ms,
        recommendation_id=None,
        impression=(),
        properties="{}",
        received_time_ms=time_ms,
    )


BROWSED = [event(1, "item-00"), event(2, "item-01")]
LOGIN = event(3, "item-02", USER)
LATE = event(2.5, "item-03")
LOGGED_OUT = event(4, "item-23")
SECOND_LOGIN = event(5, "item-24", "somebody-else")


def put(shop, *events):
    entries = [{"Data": each.to_record(), "PartitionKey": each.profile_id} for each in events]
    stream = shop.name("stream-name")
    assert shop.cloud.client("kinesis").put_records(StreamName=stream, Records=entries)["FailedRecordCount"] == 0


def post(shop, *events):
    sent = [
        {"eventType": "purchase", "itemId": each.item_id, "eventId": each.event_id, "sentAt": each.event_time_ms / 1000}
        for each in events
    ]
    answer = shop.post_events(sent, session=SESSION, user=events[0].user_id)
    assert answer.status == 200, answer.document


def profile(shop, profile_id):
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return store.read(profile_id, consistent=True)


def items(shop, profile_id):
    return [each.item_id for each in profile(shop, profile_id).recent]


def items_until(shop, profile_id, last):
    return eventually(lambda: items(shop, profile_id), holds=lambda found: found[-1:] == [last])


def test_visitor_who_logs_in_gets_recommendations_from_the_visit(shop):
    post(shop, *BROWSED)
    assert eventually(lambda: items(shop, f"s#{SESSION}"), holds=lambda found: len(found) == 2) == [
        "item-00",
        "item-01",
    ]
    stranger = eventually(lambda: shop.recommend(USER), holds=lambda found: bool(found.items))
    visitor = shop.recommend(SESSION)
    post(shop, LOGIN)
    expected = ["item-00", "item-01", "item-02"]
    assert eventually(lambda: items(shop, f"u#{USER}"), holds=lambda found: found == expected) == expected
    known = shop.recommend(USER)

    assert stranger.headers["x-alsolike-source"] == "popular"
    assert visitor.headers["x-alsolike-source"] == known.headers["x-alsolike-source"] == "model"
    assert known.items[0] == "item-03"  # part of the cycle that all users of the aisle buy
    assert eventually(lambda: items(shop, f"s#{SESSION}"), holds=lambda found: not found) == []


def test_session_events_are_assigned_by_their_time(shop):
    post(shop, LATE, LOGGED_OUT)
    post(shop, SECOND_LOGIN)

    late = ["item-00", "item-01", "item-03", "item-02"]
    assert eventually(lambda: items(shop, f"u#{USER}"), holds=lambda found: found == late) == late
    assert eventually(lambda: items(shop, "u#somebody-else")) == ["item-24"]
    assert eventually(lambda: items(shop, f"s#{SESSION}")) == ["item-23"]


def test_ten_redeliveries_change_nothing(shop):
    profiles = (f"u#{USER}", "u#somebody-else", f"s#{SESSION}")
    before = [profile(shop, each) for each in profiles]
    visit = [*BROWSED, LOGIN, LATE, LOGGED_OUT, SECOND_LOGIN]

    for _ in range(10):
        put(shop, *reversed(visit), *visit)
    # Records of one key stay in order, so the last record proves that all earlier records arrived.
    put(shop, event(6, "item-05", USER), event(7, "item-06", "somebody-else"), event(8, "item-07"))

    for name, found, last in zip(profiles, before, ("item-05", "item-06", "item-07"), strict=True):
        expected = [*(each.item_id for each in found.recent), last]
        assert items_until(shop, name, last) == expected
