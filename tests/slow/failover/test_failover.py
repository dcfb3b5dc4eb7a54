"""Loss and return of a region under traffic. The figures are printed with `make slow WHAT=failover ARGS=-s`."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.booted.shop import SECONDS_PER_DAY, eventually, write_history
from tests.slow.failover.two_regions import Call, Name, Traffic, TwoRegions, events_in_lake

BEFORE_S, AFTER_MOVE_S = 5, 5
ERASED = "to-be-erased"


@dataclass
class Failover:
    """Results of the loss and the return of the primary."""

    regions: TwoRegions
    calls: list[Call]
    lost_at: float
    moved_at: float
    returned_at: float

    def failed(self, client):
        return sum(call.failed for call in self.calls if call.client == client)

    def seconds_until_answers(self, client):
        """Return the time from the loss to the last failure of a client, or to the slowest answer without failures."""
        outage = [call for call in self.calls if call.client == client and call.at >= self.lost_at - 1]
        failures = [call.answered_at for call in outage if call.failed]
        return max(failures, default=self.lost_at) - self.lost_at

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
        name = Name((shops[0].cloud.api_url, shops[1].cloud.api_url), lambda: tokens[0])
        traffic = Traffic(name, tokens, (shops[0].name("tracking-id"), shops[1].name("tracking-id")))
        shops[0].send(ERASED, "item-02")
        for run in (name.watch, traffic.run):
            threading.Thread(target=run, daemon=True).start()
        time.sleep(BEFORE_S)

        lost_at = time.monotonic()
        regions.lose_primary()
        eventually(lambda: name.moves, within_s=90)
        moved_at = name.moves[0]
        regions.replica.alsolike("users", "erase", ERASED, "--wait", "--yes")
        time.sleep(AFTER_MOVE_S)
        regions.return_primary()
        returned_at = time.monotonic()
        eventually(lambda: len(name.moves) == 2, within_s=90)
        time.sleep(AFTER_MOVE_S)
        traffic.stop()
        name.stop()
        yield Failover(regions, traffic.calls, lost_at, moved_at, returned_at)


def reasons(failover, client):
    return Counter(call.reasons for call in failover.calls if call.client == client and call.reasons)


def test_clients_of_both_regions_see_no_failures(failover):
    calls = [call for call in failover.calls if call.client == "both"]
    print(
        f"\n{len(failover.calls)} requests. Clients with both URLs: {failover.failed('both')} of {len(calls)} failed, "
        f"median {statistics.median(call.answered_at - call.at for call in calls) * 1000:.0f} ms"
        f"; {reasons(failover, 'both')}"
    )

    assert failover.failed("both") == 0


def test_name_moves_within_a_minute(failover):
    calls = [call for call in failover.calls if call.client == "name"]
    print(
        f"\nClients with the name: {failover.failed('name')} of {len(calls)} failed; the name moved after "
        f"{failover.moved_at - failover.lost_at:.1f} s, answers after {failover.seconds_until_answers('name'):.1f} s"
    )

    assert failover.moved_at - failover.lost_at < 60


def receipts(shop):
    """Return the states of all erasures."""
    return [json.loads(body)["status"] for _, body in shop.objects("artefact-bucket", "privacy/receipts/")]


def test_erasure_during_the_outage_holds_in_both_regions(failover):
    for shop in (failover.regions.primary, failover.regions.replica):
        assert shop
        left = eventually(
            lambda shop=shop: [user for user, _ in events_in_lake(shop) if user == ERASED],  # type: ignore[misc]
            holds=lambda found: not found,
            within_s=120,
        )
        assert left == []
        status = eventually(
            lambda shop=shop: receipts(shop),  # type: ignore[misc]
            holds=lambda found: found == ["complete"],
            within_s=120,
        )
        assert status == ["complete"]


def test_acknowledged_events_are_in_both_lakes_once(failover):
    acknowledged = failover.acknowledged
    for shop in (failover.regions.primary, failover.regions.replica):
        assert shop
        stored = eventually(
            lambda shop=shop: events_in_lake(shop),  # type: ignore[misc]
            holds=lambda found: acknowledged <= found.keys(),
            within_s=60,
        )
        doubled = [event for event in acknowledged if stored[event] > 1]
        print(
            f"\n{shop.cloud.state.region}: {len(acknowledged)} events acknowledged, "
            f"{len(acknowledged - stored.keys())} lost, {len(doubled)} stored more than once"
        )
        assert acknowledged - stored.keys() == set()
