"""`alsolike replay` prints the counts by cause, and its exit status says whether a list differs."""

import datetime as dt
import json

import pytest

from operations.day_replay import replaying
from operations.day_replay.replaying import DayReplay, Difference
from tests.unit.cli.command_line import cells, run

DAY = dt.date(2026, 11, 25)
SAME = DayReplay(DAY, (), 3, 3, 1, (), {})
PINNED = Difference("r1", "for-you", ("configuration",), ("fig", "plum"), ("kiwi", "fig"))
REFUSED = Difference("r2", "popular", ("code",), ("fig",), (), "filter is 'sweet', expected none")
CHANGED = DayReplay(DAY, ("code", "configuration"), 5, 4, 0, (PINNED, REFUSED), {"model v1 is no longer stored": 1})


@pytest.fixture
def replay(shop, monkeypatch):
    """Return a function that runs the command on a deployment whose replay has a given result."""

    def replay(result, *arguments):
        monkeypatch.setattr(replaying, "replay_day", lambda deployment, day, **_: result)
        return run("replay", "--env", "shop", "--day", "2026-11-25", *arguments)

    return replay


def test_identical_lists_are_counted_with_status_0(replay):
    result = replay(SAME)

    assert result.exit_code == 0
    assert result.stdout == (
        "responses      3 on 2026-11-25\n"
        "replayed       3, 1 of them with random items\n"
        "identical      3 (100.00%)\n"
        "different      0\n"
    )


def test_differences_are_shown_by_cause_with_status_3(replay):
    result = replay(CHANGED)

    assert result.exit_code == 3
    rows = cells(result.stdout)
    assert sorted(rows[:3]) == [
        ["code", "1"],
        ["configuration", "1"],
        ["not replayable: model v1 is no longer stored", "1"],
    ]
    assert rows[3][:1] + rows[3][2:] == ["r1", "configuration", "1, 2", "fig", "kiwi"]
    assert rows[4][:1] + rows[4][2:] == ["r2", "code", "all", "", REFUSED.refusal]


def test_json_has_every_difference(replay):
    document = json.loads(replay(CHANGED, "--json").stdout)

    assert document["by_cause"] == {"code": 1, "configuration": 1}
    assert [each["places"] for each in document["differences"]] == [[1, 2], [1]]
    assert (document["identical"], document["not_replayable"]) == (2, {"model v1 is no longer stored": 1})


def test_day_without_replayable_responses_has_status_4(replay):
    assert replay(DayReplay(DAY, (), 1, 0, 0, (), {"the catalogue is no longer stored": 1})).exit_code == 4
