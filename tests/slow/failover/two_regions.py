"""Deployment in two regions: two clouds, the replication between them, and a name that a health check moves."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.lake.duplicates import deduplicate
from local_cloud.client import Cloud
from local_cloud.replication import Replication
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop
from tests.infra.assembly import templates

ATTEMPTS = 6
"""Maximum number of attempts per region of a client that knows both regions."""
PRIMARY, REPLICA = "us-east-1", "eu-central-1"
DOMAIN = "api.shop.example"
SETTINGS: dict[str, Any] = {**QUICK, "replica_streams": True, "training_schedule": None, "web": False}


class TwoRegions:
    """Primary and replica, each None before its deployment. `primary` is also None while the primary is lost."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._single = synthesized(**SETTINGS)
        self._assembly = synthesized(
            **SETTINGS, replica_region=REPLICA, api_domain=DOMAIN, api_zone_id="Z0123456789ABC"
        )
        self.primary: Shop | None = None
        self.replica: Shop | None = None
        self.replication = Replication(lambda: (self._cloud(self.primary), self._cloud(self.replica)))
        self._stopped = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def booted(cls, directory: Path, prepare: Callable[[Shop], None]) -> Iterator[Self]:
        """Yield both regions: deploy the primary, prepare its content, and add the second region to the deployment."""
        regions = cls(directory)
        with contextlib.ExitStack() as stack:
            stack.callback(regions.stop)
            regions.primary = regions._boot(PRIMARY, regions._single)
            prepare(regions.primary)
            regions.replica = regions._boot(REPLICA, regions._assembly, peer=PRIMARY)
            regions.primary.cloud.stop()
            regions.primary = regions._boot(PRIMARY, regions._assembly, peer=REPLICA)
            regions.replication.start()
            threading.Thread(target=regions._replicate, daemon=True).start()
            yield regions

    def name(self) -> Name:
        assert self.primary
        assert self.replica
        (check,) = (
            resource["Properties"]["HealthCheckConfig"]
            for _, template in templates(self._assembly)
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::Route53::HealthCheck"
        )
        return Name(
            urls=(self.primary.api_url, self.replica.api_url),
            health_url=self.primary.cloud.state.apis["alsolike-demo-health"].rstrip("/") + check["ResourcePath"],
            interval_s=check["RequestInterval"],
            threshold=check["FailureThreshold"],
        )

    def lose_primary(self) -> None:
        assert self.primary
        lost, self.primary = self.primary, None
        os.killpg(lost.cloud.state.pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            lost.cloud.stop()

    def return_primary(self) -> None:
        self.primary = self._boot(PRIMARY, self._assembly, peer=REPLICA)

    def stop(self) -> None:
        self._stopped.set()
        for shop in (self.primary, self.replica):
            if shop:
                shop.cloud.stop()

    def _boot(self, region: str, assembly: Path, *, peer: str | None = None) -> Shop:
        state = self._directory / f"{region}.json"
        cloud = Cloud.start(
            assembly,
            state=state,
            region=region,
            data=self._directory / region,
            peer=self._directory / f"{peer}.json" if peer else None,
        )
        return Shop(cloud, state)

    def _replicate(self) -> None:
        while not self._stopped.wait(0.5):
            # Replication fails if a cloud is killed meanwhile. The next iteration replicates again.
            with contextlib.suppress(Exception):
                self.replication.run()

    @staticmethod
    def _cloud(shop: Shop | None) -> Cloud | None:
        return shop.cloud if shop else None


@dataclass
class Name:
    """DNS name of the API. A health check like Route 53's moves the name after failures, and back after successes.

    `threshold` is the number of equal results that move the name.
    """

    urls: tuple[str, str]
    health_url: str
    interval_s: float
    threshold: int
    is_primary: bool = True
    moves: list[float] = field(default_factory=list)
    _different: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return self.urls[0 if self.is_primary else 1]

    def watch(self) -> None:
        while not self._stopped.wait(self.interval_s):
            self.check()

    def check(self) -> None:
        self._different = self._different + 1 if self._is_healthy() != self.is_primary else 0
        if self._different >= self.threshold:
            self.is_primary, self._different = not self.is_primary, 0
            self.moves.append(time.monotonic())

    def stop(self) -> None:
        self._stopped.set()

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.health_url, timeout=self.interval_s):
                return True
        except OSError:
            return False


@dataclass
class Call:
    """Request of a client of the kind `client`.

    `event` has the user and the event ID of an acknowledged event. `reasons` has the reason of each failed attempt.
    """

    at: float
    client: str
    failed: bool
    answered_at: float
    event: tuple[str, str] | None = None
    reasons: tuple[str, ...] = ()


class Traffic:
    """`RATE_PER_S` requests per second, half of them events, from two kinds of clients.

    Clients of the kind `name` sign requests to the domain name with one key pair, and do not retry. Clients of
    the kind `both` know both regions and repeat a failed request in the other region, then in both regions again after
    a pause.
    """

    RATE_PER_S = 20

    def __init__(self, name: Name, key: Credentials, tokens: tuple[str, str], tracking_ids: tuple[str, str]) -> None:
        self._name = name
        self._key = key
        self._tokens = tokens
        self._tracking_ids = tracking_ids
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.calls: list[Call] = []

    def run(self) -> None:
        start = time.monotonic()
        for number in itertools.count():
            if self._stopped.wait(max(0.0, start + number / self.RATE_PER_S - time.monotonic())):
                break
            thread = threading.Thread(target=self._call, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self, number: int) -> None:
        at = time.monotonic()
        client = ("name", "both")[number // 2 % 2]
        user = f"visitor-{number % 40}"
        event = (user, f"event-{number}") if number % 2 else None
        sent_at = time.time()  # All attempts send the same event.
        first = 0 if self._name.is_primary else 1
        order = [first, 1 - first] * ATTEMPTS if client == "both" else [first]
        reasons: list[str] = []
        for attempt, region in enumerate(order):
            time.sleep(0.2 * (attempt // 2))
            reason = self._send(region, user, event, sent_at=sent_at, is_signed=client == "name")
            if reason is None:
                break
            reasons.append(f"{('primary', 'replica')[region]}: {reason}")
        failed = len(reasons) == len(order)
        self.calls.append(Call(at, client, failed, time.monotonic(), None if failed else event, tuple(reasons)))

    def _send(
        self, region: int, user: str, event: tuple[str, str] | None, *, sent_at: float, is_signed: bool
    ) -> str | None:
        """Return the reason of a failure, or None after a success."""
        path, document = "/recommendations", {"userId": user, "numResults": 5}
        if event:
            path = "/events"
            entry = {"eventType": "purchase", "sentAt": sent_at, "itemId": "item-01", "eventId": event[1]}
            document = {
                "trackingId": self._tracking_ids[region],
                "userId": user,
                "sessionId": f"session-{user}",
                "eventList": [entry],
            }
        body = json.dumps(document).encode()
        headers = {"authorization": f"Bearer {self._tokens[region]}", "content-type": "application/json"}
        if is_signed:
            path = f"{SIGNED_PREFIX}{path}"
            headers = self._signed(path, body)
        request = urllib.request.Request(self._name.urls[region] + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10):
                return None
        except urllib.error.HTTPError as error:
            return f"status {error.code}"
        except OSError as error:
            return type(getattr(error, "reason", error)).__name__

    def _signed(self, path: str, body: bytes) -> dict[str, str]:
        """Return the signed headers of a request to the domain that both regions share."""
        request = AWSRequest("POST", f"https://{DOMAIN}{path}", data=body, headers={"content-type": "application/json"})
        SigV4Auth(self._key, "personalize", PRIMARY).add_auth(request)
        return {**dict(request.headers.items()), "host": DOMAIN}


def events_in_lake(shop: Shop) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Return the number of rows by user and event ID, before and after the deduplication of readers."""
    rows = pd.DataFrame(shop.lake_rows("interactions/"))
    return _by_event(rows), _by_event(deduplicate(rows))


def _by_event(rows: pd.DataFrame) -> Counter[tuple[str, str]]:
    return Counter(zip(rows["user_id"], rows["event_id"], strict=True))
