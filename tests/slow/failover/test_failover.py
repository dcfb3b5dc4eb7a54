"""Loss and return of a region under traffic. The figures are printed with `make slow WHAT=failover ARGS=-s`."""

from __future__ import annotations

import functools
import json
import re
import shlex
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from tests.booted.shop import SECONDS_PER_DAY, eventually, write_history
from tests.slow.failover.two_regions import Call, Traffic, TwoRegions, events_in_lake

RUNBOOK = Path(__file__).parents[3] / "docs" / "recovery.md"
BEFORE_S, AFTER_MOVE_S = 5, 5
ERASED = "to-be-erased"


@dataclass
class Failover:
    regions: TwoRegions
    calls: list[Call]
    lost_at: float
    moved_at: float
    returned_at: float

    def calls_of(self, client):
        return [call for call in self.calls if call.client == client]

    @property
    def first_answer_s(self):
        """Seconds from the loss of the region to the first response to a client that uses the domain name."""
        return min(c.answered_at for c in self.calls_of("name") if c.at > self.lost_at and not c.failed) - self.lost_at

    @property
    def slowest_s(self):
        """Longest response time in seconds of a client that knows both regions' URLs, from the loss to the move."""
        return max(c.answered_at - c.at for c in self.calls_of("both") if self.lost_at - 1 < c.at < self.moved_at)

    @property
    def acknowledged(self):
        return {call.event for call in self.calls if call.event}


def prepare(shop, directory):
    history = directory / "history.csv"
    write_history(history, users=60, days=24, end=time.time() - 2 * SECONDS_PER_DAY)
    shop.alsolike("import", "interactions", history)
    shop.alsolike("train")
    eventually(lambda: shop.recommend("user-0").headers.get("x-alsolike-source"), holds=lambda found: found == "model")


@pytest.fixture(scope="module")
def failover(tmp_path_factory):
    directory = tmp_path_factory.mktemp("regions")
    with TwoRegions.booted(directory, lambda shop: prepare(shop, directory)) as regions:
        assert regions.primary
        assert regions.replica
        shops = regions.primary, regions.replica
        scopes = ["alsolike/events.write", "alsolike/recommendations.read"]
        tokens = shops[0].cloud.token(scopes), shops[1].cloud.token(scopes)
        name = regions.name()
        created = shops[0].alsolike("keys", "create", "checkout")["environment"]
        key = Credentials(created["AWS_ACCESS_KEY_ID"], created["AWS_SECRET_ACCESS_KEY"])
        traffic = Traffic(name, key, tokens, (shops[0].name("tracking-id"), shops[1].name("tracking-id")))
        shops[0].send(ERASED, "item-02")
        for run in (name.watch, traffic.run):
            threading.Thread(target=run, daemon=True).start()
        time.sleep(BEFORE_S)

        lost_at = time.monotonic()
        regions.lose_primary()
        eventually(lambda: name.moves, within_s=90)
        moved_at = name.moves[0]
        for command in runbook(in_replica=True):
            regions.replica.alsolike(*command)
        time.sleep(AFTER_MOVE_S)
        regions.return_primary()
        returned_at = time.monotonic()
        eventually(lambda: len(name.moves) == 2, within_s=90)
        time.sleep(AFTER_MOVE_S)
        traffic.stop()
        name.stop()
        yield Failover(regions, traffic.calls, lost_at, moved_at, returned_at)


def runbook(*, in_replica):
    """Return the runbook's commands for the second region during the outage, or its commands for the primary after the
    outage."""
    section = RUNBOOK.read_text("utf-8").partition("## A region is lost")[2].partition("### Without")[0]
    lines = re.findall(r"\$ (AWS_REGION=\S+ )?alsolike (.*)", section)
    return [shlex.split(line.replace("USER", ERASED)) for region, line in lines if bool(region) is in_replica]


def reasons(calls):
    counts = Counter(call.reasons[-1] for call in calls if call.failed)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def test_clients_of_both_regions_see_no_failures(failover):
    calls = failover.calls_of("both")
    failed = [call for call in calls if call.failed]
    print(
        f"\nClients with both URLs: {len(failed)} of {len(calls)} requests failed; {reasons(calls)}; median "
        f"{statistics.median(call.answered_at - call.at for call in calls) * 1000:.0f} ms, slowest before "
        f"the name moved {failover.slowest_s:.1f} s"
    )

    assert failed == []


def test_name_moves_within_a_minute(failover):
    calls = failover.calls_of("name")
    outage = [call for call in calls if failover.lost_at - 1 < call.at < failover.moved_at]
    later = [call for call in calls if call.at >= failover.moved_at]
    print(
        f"\nClients with the name: {sum(c.failed for c in outage)} of {len(outage)} requests failed before it moved, "
        f"{sum(c.failed for c in later)} of {len(later)} afterwards ({reasons(later)}); it moved after "
        f"{failover.moved_at - failover.lost_at:.1f} s, first answer after {failover.first_answer_s:.1f} s"
    )

    assert failover.moved_at - failover.lost_at < 60
    assert failover.first_answer_s < 60


def rows_of(user, shop):
    return sum(count for (owner, _), count in events_in_lake(shop)[0].items() if owner == user)


def receipts(shop):
    return [json.loads(body)["status"] for _, body in shop.objects("artefact-bucket", "privacy/receipts/")]


def test_erasure_during_the_outage_holds_in_both_regions(failover: Failover):
    for shop in (failover.regions.primary, failover.regions.replica):
        assert shop
        left = eventually(
            functools.partial(rows_of, ERASED, shop),
            holds=lambda found: found == 0,
            within_s=120,
        )
        assert left == 0
        status = eventually(
            functools.partial(receipts, shop),
            holds=lambda found: found == ["complete"],
            within_s=120,
        )
        assert status == ["complete"]


def test_runbook_commands_run_after_the_return(failover):
    primary = failover.regions.primary
    status, profiles, erasure = (primary.alsolike(*command) for command in runbook(in_replica=False))

    assert erasure["status"] == "complete"
    assert "profiles" in profiles
    lags = {store["store"]: store["lag_s"] for store in status["replication"]}
    print(f"\nLargest lag of the replication in seconds, with the outage: {lags}")
    assert {"lake", "artefacts", "profiles"} <= lags.keys()


def test_acknowledged_events_are_in_both_lakes_once(failover):
    acknowledged = failover.acknowledged
    for shop in (failover.regions.primary, failover.regions.replica):
        stored, counted = eventually(
            functools.partial(events_in_lake, shop),
            holds=lambda found: acknowledged <= found[0].keys(),
            within_s=60,
        )
        lost = acknowledged - stored.keys()
        doubled = [event for event in acknowledged if counted[event] > 1]
        print(
            f"\n{shop.cloud.state.region}: {len(acknowledged)} events acknowledged, {len(lost)} lost, {len(doubled)} "
            f"counted twice, {sum(stored[event] > 1 for event in acknowledged)} stored twice before deduplication"
        )
        assert (lost, doubled) == (set(), [])
