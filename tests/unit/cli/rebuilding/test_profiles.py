"""Profiles out of the lake equal the live ones."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.interactions import Interaction
from alsolike.profiles import Joined, Profile
from alsolike.stream import stream_records
from cli.deployment import Deployment
from cli.rebuilding.lake_reader import LakeReader
from cli.rebuilding.profiles import logins_of, profiles_of
from functions.archive_events.service import archive
from tests.unit.functions.configurations import Applied
from tests.unit.functions.factories import NOW_MS, interaction, kinesis_event


def rebuilt(deployment: Deployment, *, received_by_ms: int | None = None) -> dict[str, Profile]:
    rows = LakeReader(deployment.client("s3"), deployment.names.lake_bucket, received_by_ms=received_by_ms)
    return {profile.profile_id: profile for profile in profiles_of(rows, logins_of(rows))}


def archive_batches(deployment: Deployment, *batches: Sequence[Interaction]) -> None:
    first = 0
    for batch in batches:
        records = stream_records(kinesis_event(batch, first=first))
        archive(
            records,
            client=deployment.client("s3"),
            bucket=deployment.names.lake_bucket,
            configurations=Applied(),
            now_ms=NOW_MS,
        )
        first += len(batch)


def test_each_profile_has_its_interactions_once_and_in_order(deployment: Deployment) -> None:
    early, late = interaction("e1", event_time_ms=NOW_MS - 9), interaction("e2", event_time_ms=NOW_MS - 5)

    archive_batches(deployment, [late, interaction("b1", user_id="bert")], [early, late])

    found = rebuilt(deployment)
    assert {name: [each.event_id for each in profile.recent] for name, profile in found.items()} == {
        "u#anna": ["e1", "e2"],
        "u#bert": ["b1"],
        "s#s1": [],
    }


def test_what_arrived_after_the_time_is_not_in_it(deployment: Deployment) -> None:
    archive_batches(
        deployment,
        [interaction("e1", received_time_ms=NOW_MS), interaction("e2", received_time_ms=NOW_MS + 1)],
    )

    found = rebuilt(deployment, received_by_ms=NOW_MS)

    assert [each.event_id for each in found["u#anna"].recent] == ["e1"]


def test_a_session_that_logged_in_is_its_users_though_its_rows_lie_in_other_objects(deployment: Deployment) -> None:
    browsed = interaction("browsed", user_id=None, session_id="s", event_time_ms=NOW_MS - 90_000_000)
    after = interaction("after", user_id=None, session_id="s", event_time_ms=NOW_MS - 1)
    login = interaction("login", user_id="anna", session_id="s", event_time_ms=NOW_MS - 2)

    archive_batches(deployment, [browsed], [after], [login])

    found = rebuilt(deployment)
    assert [each.event_id for each in found["u#anna"].recent] == ["browsed", "login"]
    assert [each.event_id for each in found["s#s"].recent] == ["after"]
    assert found["s#s"].joined == Joined("u#anna", NOW_MS - 2)


def test_searches_make_no_history(deployment: Deployment) -> None:
    search = interaction("q1", session_id=None, item_id=None, event_type="search", query="pears")

    archive_batches(deployment, [search])

    assert rebuilt(deployment) == {}


def test_an_empty_lake_makes_no_profiles(deployment: Deployment) -> None:
    assert rebuilt(deployment) == {}
