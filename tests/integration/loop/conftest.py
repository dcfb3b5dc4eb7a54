"""The product on the embedded cloud: layers built, template synthesized, deployed, reached as a shop reaches it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from local_cloud.client import Cloud

ROOT = Path(__file__).parents[3]
SECONDS_PER_DAY = 86_400

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]

    @property
    def items(self) -> list[str]:
        return [item["itemId"] for item in self.document["itemList"]]


class Shop:
    """What a shop has: a URL, a token, and the command line."""

    def __init__(self, cloud: Cloud, state: Path) -> None:
        self.cloud = cloud
        self._state = state
        self._token = cloud.token(["alsolike/events.write", "alsolike/recommendations.read"])

    def post(self, path: str, document: Any) -> Answer:
        request = urllib.request.Request(
            self.cloud.api_url + path,
            data=json.dumps(document).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, dict(response.headers), json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), json.load(error))

    def send(self, user: str, *item_ids: str, at: float | None = None) -> Answer:
        event = {"eventType": "purchase", "sentAt": at or time.time()}
        events = [{**event, "itemId": item_id, "eventId": f"{user}-{item_id}-{at}"} for item_id in item_ids]
        call = {"trackingId": "shop", "userId": user, "sessionId": f"session-{user}", "eventList": events}
        return self.post("/events", call)

    def recommend(self, user: str, k: int = 10) -> Answer:
        return self.post("/recommendations", {"userId": user, "numResults": k})

    def name(self, key: str) -> str:
        parameter = self.cloud.client("ssm").get_parameter(Name=f"/alsolike/demo/{key}")
        value: str = parameter["Parameter"]["Value"]
        return value

    def alsolike(self, *arguments: str | Path, exit_code: int = 0) -> Any:
        """Run a verb with --json; return the document it prints."""
        command = [
            str(Path(sys.executable).parent / "alsolike"),
            *map(str, arguments),
            "--state",
            str(self._state),
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == exit_code, done.stderr
        return json.loads(done.stdout) if exit_code == 0 else done.stderr


def eventually(probe: Callable[[], T], *, holds: Callable[[T], bool] = bool, within_s: float = 30) -> T:
    """Return the probe's value once it holds; the last one when time is up, for the assertion to show."""
    deadline = time.monotonic() + within_s
    while True:
        value = probe()
        if holds(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.1)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthesized app, as `alsolike up` makes it."""
    work = tmp_path_factory.mktemp("assembly")
    directory, layers = work / "cdk.out", work / "layers"
    for command in (
        ["layers.build", "all", "--architecture", "arm64", "--output", str(layers), "--no-smoke-test"],
        ["infra_cdk.app", "--environment", "demo", "--outdir", str(directory), "--layers", str(layers)],
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True, timeout=180)
    return directory


@pytest.fixture(scope="session")
def shop(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with nothing in it yet."""
    state = tmp_path_factory.mktemp("state") / "cloud.json"
    with Cloud.start(assembly, state=state) as cloud:
        yield Shop(cloud, state)


def write_history(path: Path, *, users: int, days: int, end: float) -> list[tuple[str, str, int]]:
    """Write purchases in Personalize's CSV: each user buys around one of three cycles of ten items, in order."""
    rows = []
    for user in range(users):
        aisle, step = user % 3, user // 3
        for day in range(days):
            bought = f"item-{aisle}{(step + day) % 10}"
            rows.append((f"user-{user}", bought, int(end - (days - day) * SECONDS_PER_DAY + user)))
    lines = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *(f"{u},{i},{t},purchase" for u, i, t in rows)]
    path.write_text("\n".join(lines) + "\n")
    return rows
