"""Open-loop load test of the embedded cloud's gateway: requests are sent at a constant rate.

Latency is measured from the scheduled time of a request, so that it includes the wait for slow requests and avoids
coordinated omission (Gil Tene). The client, the gateway, the functions and moto share the processors.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alsolike.declarations.routes import READ_RECOMMENDATIONS
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import AlsolikeError, Unavailable
from benchmarks.recommending import VERSION, write_model
from benchmarks.rows import Row
from benchmarks.synthetic_models import rows_model
from benchmarks.synthetic_profiles import user_id, write_profiles
from cli import terminal
from functions.register_model.model_store import ModelStore
from operations import embedded_cloud
from operations.client import deployment
from operations.client.api import Api
from operations.client.deployment import Deployment

ITEMS = 20_000
USERS = 200
RATE_PER_S = 50
SECONDS = 60
WARM_UP_S = 5
CONNECTIONS = 32
P99_MS = 300
OVERLOAD_RATE_PER_S = 200
OVERLOAD_SECONDS = 10
LONGEST_MS = 1_000
"""Maximum permitted time of a response from an overloaded gateway, in ms."""
CLIENT_TIMEOUT_S = 10
SERVED_TIMEOUT_S = 60.0


def gateway() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        embedded_cloud.build_layers()
        with embedded_cloud.running_cloud(embedded_cloud.synthesize("demo"), state=Path(name) / "cloud.json") as cloud:
            deployed = deployment.from_cloud(cloud)
            _deploy_model(deployed, Path(name))
            api = Api(deployed)
            _wait_until_served(api)
            _load(api, seconds=WARM_UP_S)
            with terminal.step(f"send {RATE_PER_S} requests a second", total=SECONDS * RATE_PER_S) as step:
                times_ms, degraded = _load(api, seconds=SECONDS, on_sent=step.advance)
            with terminal.step(f"send {OVERLOAD_RATE_PER_S} requests a second"):
                overload = asyncio.run(_overload(deployed.names.api_url, token=cloud.token([READ_RECOMMENDATIONS])))
    errors = RATE_PER_S * SECONDS - len(times_ms)
    cuts = statistics.quantiles(times_ms, n=100, method="inclusive")
    yield Row(
        f"{RATE_PER_S} requests/s for {SECONDS} s, {ITEMS:,} items, through the embedded gateway, by the clock",
        f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, {errors} errors, {degraded} degraded",
        target=f"no error, p99 below {P99_MS} ms",
        met=not errors and cuts[98] < P99_MS,
    )

    longest_ms = max(max(times) for times in overload.values())
    yield Row(
        f"{OVERLOAD_RATE_PER_S} requests/s for {OVERLOAD_SECONDS} s, each on a connection of its own",
        ", ".join(f"{status}: {_described(times)}" for status, times in sorted(overload.items())),
        target=f"200 or 429, each within {LONGEST_MS:,} ms",
        met=overload.keys() <= {"200", "429"} and longest_ms <= LONGEST_MS,
    )


def _described(times_ms: Sequence[float]) -> str:
    return f"{len(times_ms):,}, p50 {statistics.median(times_ms):.0f} ms, longest {max(times_ms):.0f} ms"


def _deploy_model(deployed: Deployment, scratch: Path) -> None:
    directory, s3 = scratch / "bundle", deployed.client("s3")
    directory.mkdir()
    write_model(rows_model(items=ITEMS, targets=100), directory)
    ModelStore(s3, deployed.names.artefact_bucket).upload(directory, version=VERSION)
    registry = Registry(s3, deployed.names.artefact_bucket)
    registry.promote(VERSION, reason="made up", now_ms=time.time_ns() // 1_000_000)
    write_profiles(ProfileStore(deployed.client("dynamodb"), deployed.names.profiles_table), users=USERS, items=ITEMS)


def _wait_until_served(api: Api) -> None:
    deadline = time.monotonic() + SERVED_TIMEOUT_S
    while (answer := api.recommendations(user_id(0), k=25)).model_version != VERSION or answer.source != "model":
        if time.monotonic() > deadline:
            raise Unavailable(f"after {SERVED_TIMEOUT_S:g} s the API still answers {answer}")
        time.sleep(0.2)


def _load(api: Api, *, seconds: int, on_sent: Callable[[], object] = lambda: None) -> tuple[list[float], int]:
    """Send `RATE_PER_S` requests per second.

    Return the latencies of successful requests in ms from their scheduled times, and the number of degraded responses.
    """

    def request(number: int, due: float) -> tuple[float, bool] | None:
        try:
            answer = api.recommendations(user_id(number % USERS), k=25)
        except AlsolikeError:
            return None
        return 1000 * (time.monotonic() - due), answer.degraded is not None

    start = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as clients:
        futures = []
        for number in range(RATE_PER_S * seconds):
            due = start + number / RATE_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
            futures.append(clients.submit(request, number, due))
            on_sent()
        found = [answer.result() for answer in futures]
    successful = [answer for answer in found if answer is not None]
    return [ms for ms, _ in successful], sum(degraded for _, degraded in successful)


async def _overload(url: str, *, token: str) -> Mapping[str, list[float]]:
    """Send `OVERLOAD_RATE_PER_S` requests per second, each on a new connection.

    Return latencies in ms from the scheduled times, by HTTP status or exception name.
    """
    target = urllib.parse.urlsplit(url)

    async def request(number: int) -> str:
        body = json.dumps({"userId": user_id(number % USERS), "numResults": 25})
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(
            f"POST {target.path.rstrip('/')}/recommendations HTTP/1.1\r\nHost: {target.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        answer = await reader.read()
        writer.close()
        return answer.split()[1].decode()

    async def time_of(number: int, due: float) -> tuple[str, float]:
        try:
            status = await asyncio.wait_for(request(number), CLIENT_TIMEOUT_S)
        except (OSError, TimeoutError, IndexError) as error:  # An empty answer has no status.
            status = type(error).__name__
        return status, 1000 * (time.monotonic() - due)

    start, sent = time.monotonic(), []
    for number in range(OVERLOAD_RATE_PER_S * OVERLOAD_SECONDS):
        due = start + number / OVERLOAD_RATE_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sent.append(asyncio.create_task(time_of(number, due)))
    times_ms: defaultdict[str, list[float]] = defaultdict(list)
    for status, ms in await asyncio.gather(*sent):
        times_ms[status].append(ms)
    return times_ms
