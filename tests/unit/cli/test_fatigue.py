"""`alsolike fatigue`, with a log in the lake."""

import pytest

from alsolike.configuration.configuration import DEFAULT, Fatigue
from alsolike.declarations.times import DAY_MS
from operations import times
from operations.fatigue import clicked_responses
from tests.builders.attribution import SERVED_MS, Lake, answer, event
from tests.unit.cli.command_line import run, run_json

HOUR_MS = 3_600_000
FATIGUE = Fatigue(1.0, 24.0)
CLICKED = answer(["fig", "pear"], scores=[2.0, 1.0])
USERS = 300


def earlier(items, *, hours, **fields):
    return answer(items, served_ms=SERVED_MS - hours * HOUR_MS, **fields)


def counted(rows, events=()):
    """Return the sightings of each item in the response `CLICKED`, in which the pear is clicked."""
    (found,) = clicked_responses(
        [*rows, CLICKED], [event(CLICKED, "pear"), *events], DEFAULT, FATIGUE, since_ms=SERVED_MS
    )
    assert (found.scores, found.gains) == ([2.0, 1.0], [0.0, 1.0])
    return found.sightings


@pytest.mark.parametrize(
    ("rows", "events", "expected"),
    [
        ([], [], 0),
        ([earlier(["fig"], hours=24)], [], 0.5),
        ([earlier(["fig"], hours=24), earlier(["fig"], hours=48, recommender="popular")], [], 0.75),
        ([earlier(["plum", "plum", "fig"], hours=24)], [], 0.25),
        ([earlier(["fig"], hours=-1)], [], 0),
        ([earlier(["fig"], hours=24 * 6)], [], 0),
        ([earlier(["fig"], hours=24)], [event(None, "fig", "cart", after_ms=-HOUR_MS)], 0),
        ([earlier(["fig"], hours=24)], [event(None, "fig", "cart", after_ms=-25 * HOUR_MS)], 0.5),
        ([earlier(["fig"], hours=24)], [event(None, "fig", "cart", after_ms=HOUR_MS)], 0.5),
        ([], [event(None, None, "view", after_ms=-24 * HOUR_MS, impression=["plum", "plum", "fig"])], 0.5),
        ([], [event(CLICKED, None, "view", impression=["fig"])], 0),
    ],
    ids=[
        "none", "a half-life ago", "two lists", "third place", "later list", "expired list", "reaction between",
        "reaction before", "later reaction", "reported impression", "later impression",
    ],
)  # fmt: skip
def test_sightings_before_the_response_are_counted(rows, events, expected):
    assert counted(rows, events)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    "other",
    [
        answer(["fig", "pear"], scores=[2.0, 1.0], recommender="popular"),
        answer(["fig", "pear"], scores=None),
        earlier(["fig", "pear"], hours=1, scores=[2.0, 1.0]),
        answer(["fig", "pear"], scores=[2.0, 1.0], origins=["ranked", "filled"]),
    ],
    ids=["other recommender", "no scores", "before the first day", "one ranked item"],
)
def test_response_that_shows_no_choice_is_left_out(other):
    assert not list(clicked_responses([other], [event(other, "fig")], DEFAULT, FATIGUE, since_ms=SERVED_MS))


@pytest.mark.parametrize(
    "unrelated",
    [event(CLICKED, "pear", "cart"), event(CLICKED, "kiwi"), event(CLICKED, "pear", after_ms=8 * DAY_MS)],
    ids=["no click", "other item", "after the window"],
)
def test_response_without_a_click_is_left_out(unrelated):
    assert not list(clicked_responses([CLICKED], [unrelated], DEFAULT, FATIGUE, since_ms=SERVED_MS))


def test_strength_and_the_setting_are_estimated_from_the_lake(deployment, pseudonyms, select, monkeypatch):
    """Each user sees a list three times, and clicks in the third response. Nine of ten users click the second item."""
    select(deployment)
    monkeypatch.setattr(times, "now_ms", lambda: SERVED_MS + DAY_MS)
    rows, events = [], []
    for number in range(USERS):
        user = f"user-{number}"
        items = ["fig", "pear", "plum"] if number % 2 else ["pear", "fig", "plum"]
        paired = {
            "shopper": pseudonyms.shopper(user),
            "scores": [2.0, 1.9, 1.0],
            "origins": ["paired", "paired", "ranked"],
            "propensities": [0.5, 1.0, None],
        }
        lists = [answer(items, served_ms=SERVED_MS - hours * HOUR_MS + number, **paired) for hours in (2, 1, 0)]
        rows += lists
        events.append(event(lists[-1], items[number % 10 != 0], user_id=user))
    lake = Lake(deployment.client("s3"), deployment.names.lake_bucket)
    lake.write_served(rows)
    lake.write_events(events)

    document = run_json("fatigue")
    shown = run("fatigue", "--half-life-hours", "24").stdout

    assert (document["responses"], document["pairs"], document["half_life_hours"]) == (USERS, USERS, 48)
    assert document["has_signal"]
    assert f"from {USERS} clicked responses\napply: recommenders: {{for-you: {{fatigue: {{strength: " in shown
    assert ", half_life_hours: 24}}}\n" in shown
