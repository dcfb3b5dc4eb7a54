"""Erasures in random histories remove all data of the user and no data of others."""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from alsolike.profiles.user_export import _SERVED, _in_order, _json, _Page
from functions.purge_user import parquet, service
from functions.purge_user.documents import find_sessions
from functions.purge_user.dynamodb_rows import find_joined_sessions
from functions.purge_user.lake_rows import INTERACTIONS, purge_rows, purge_session_rows
from functions.purge_user.service import STEPS, stop_sessions
from tests.builders.erasure_histories import ERASED, USERS, Shop, history
from tests.builders.stores import PSEUDONYMS, Stores


def check(seed, *, cloud, aws, units_per_s=1):
    """Compare a history with an erasure to the same history without the erasure."""
    story = dataclasses.replace(history(seed), units_per_s=units_per_s)
    others = [user for user in USERS if user != ERASED]
    cloud.clear()
    untouched = Shop(Stores.create(aws), story)
    untouched.run(erases=False)
    expected = {user: untouched.export(user) for user in others}
    for user in USERS:
        foreign = {PSEUDONYMS.shopper(each) for each in USERS if each != user}
        shown = {row["shopper"] for row in untouched.export(user)["recommendations"]}
        assert not shown & foreign, f"seed {seed}: the export of {user} has another user's recommendations"
    cloud.clear()
    shop = Shop(Stores.create(aws), story)
    shop.run(erases=True)

    assert shop.left() == {}, f"seed {seed}"
    assert {user: shop.export(user) for user in others} == expected, f"seed {seed}"
    held = shop.export(ERASED)
    assert held["erasure"]["status"] == "complete"
    assert {name: value for name, value in held.items() if value and name not in ("userId", "erasure")} == {}


def check_all(seeds, *, cloud, aws, units_per_s=1):
    for seed in seeds:
        check(seed, cloud=cloud, aws=aws, units_per_s=units_per_s)


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(10))
def test_purged_user_leaves_no_data_in_ten_histories(seed, cloud, aws):
    check(seed, cloud=cloud, aws=aws)


@pytest.mark.parametrize("seed", range(10, 100))
def test_purged_user_leaves_no_data_in_a_random_history(seed, cloud, aws):
    check(seed, cloud=cloud, aws=aws)


LATE = (1, 115, 363)
"""Seeds of histories in which records of the user's sessions arrive after a fast purge has ended."""


@pytest.mark.parametrize("seed", LATE)
def test_purged_user_leaves_no_data_after_a_fast_purge(seed, cloud, aws):
    check(seed, cloud=cloud, aws=aws, units_per_s=1_000)


def purge_until_the_login_time(work):
    """Remove a session's events up to its login, by the login's time on the device."""
    own = work.progress.own_sessions()
    times = pa.array([work.progress.sessions[session][0] for session in own], pa.int64())

    def hits(table):
        until = pc.take(times, pc.index_in(table["session_id"], value_set=pa.array(own, pa.string())))
        early = pc.fill_null(pc.less_equal(table["event_time_ms"], until), False)
        return pc.and_(early, parquet.session_mask(table, own))

    return purge_rows(work, INTERACTIONS, hits) if own else iter(())


def export_all_users_of_sessions(self):
    """Collect all responses in the user's sessions, also responses to other users."""
    names = [PSEUDONYMS.shopper(each) for each in (self._user_id, *self._sessions)]
    rows, ended = self._scan(_SERVED, {"shopper": names, "session": names})
    shown = _in_order(rows.drop_duplicates("recommendation_id"), by=["served_ms"])
    self.rows["recommendations"] = [_json(row) for row in shown]
    return ended


def without(*steps):
    return tuple(step for step in STEPS if step not in steps)


DEFECTS: dict[str, tuple[object, str, Any]] = {
    "an export shows responses to other users of the session": (
        _Page,
        "_recommendations",
        export_all_users_of_sessions,
    ),
    "a login in flight is not looked for": (service, "STEPS", without(find_joined_sessions)),
    "a session passes to its next user": (service, "STEPS", without(stop_sessions)),
    "the login's own time decides what is erased": (
        service,
        "STEPS",
        tuple(purge_until_the_login_time if step is purge_session_rows else step for step in STEPS),
    ),
    "quarantined logins are not looked for": (service, "STEPS", without(find_sessions)),
}


SEEDS = {
    "a session passes to its next user": LATE,
    "a login in flight is not looked for": (8, 21, 24, 31),
    "the login's own time decides what is erased": (0, 1, 8, 11),
    "quarantined logins are not looked for": (17, 75, 88, 91),
}
"""Seeds of histories that can reveal a defect, by defect. The first ten histories reveal defects without seeds."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_planted_defect_is_found(defect, cloud, aws, monkeypatch):
    monkeypatch.setattr(*DEFECTS[defect])
    seeds = SEEDS.get(defect, range(10))

    with pytest.raises(AssertionError, match="seed"):
        check_all(seeds, cloud=cloud, aws=aws, units_per_s=1_000 if seeds is LATE else 1)
