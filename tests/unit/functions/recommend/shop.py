"""Deployment whose handler responds to the requests of tests."""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from alsolike.catalogue.changes import Change
from alsolike.catalogue.users import User, UserStore
from alsolike.configuration import recommendation_id
from alsolike.configuration.configuration import ColumnType
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from alsolike.trends.counters import NOTHING_COUNTED, Event
from alsolike.trends.store import trends_key
from functions.publish_catalog.cold_publisher import ChampionContents, ColdPublisher
from functions.recommend import handler
from tests.builders.bundles import ITEMS as KNOWN
from tests.builders.bundles import MANIFEST
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.builders.world import World

ARN = "arn:aws:personalize:eu-west-1:123456789012"
ITEMS: dict[str, dict[str, Any]] = {
    "fig": {"title": "Fig", "price": 1.5, "tags": ["sweet", "soft"], "organic": True, "categoryL1": "fruit"},
    "plum": {"title": "Plum"},
}
COLUMNS = {
    "title": ColumnType.STRING,
    "price": ColumnType.NUMBER,
    "categoryL1": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "launched": ColumnType.TIMESTAMP,
    "creationTimestamp": ColumnType.TIMESTAMP,
}


class Shop(World):
    """Deployment with one model, which ranks fig and plum after a pear."""

    def __init__(self, client: Callable[[str], Any], bucket: str, *, tables: tuple[str, str], directory: Path) -> None:
        super().__init__(client, bucket, directory)
        self.dynamodb = client("dynamodb")
        self.profiles_table, self.users_table = tables

    def publish(self, version: str = "v1", **bundle: Any) -> None:
        """Publish the champion. `bundle` contains changes of its manifest and other arguments of `write_bundle`."""
        changes = {name: bundle.pop(name) for name in ("exclude_seen", "exclude_bought") if name in bundle}
        defaults = {"transitions": {("pear", "fig"): 2.0, ("pear", "plum"): 1.0}, "properties": ITEMS}
        self.serve(version, manifest=dataclasses.replace(MANIFEST, **changes), **{**defaults, **bundle})

    def publish_beside(self, other: str) -> None:
        """Publish the champion v1 and another version, which ranks kiwis first after a pear, with other positions."""
        self.upload(other, item_ids=KNOWN[::-1], transitions={("pear", "kiwi"): 3.0, ("pear", "plum"): 1.0})
        self.publish("v1")

    def remember(self, profile_id: str, item_id: str, event_type: str = "view", *, before_ms: int = 1000) -> None:
        interaction = RecentInteraction(NOW_MS - before_ms, f"{item_id}-{event_type}-{before_ms}", item_id, event_type)
        ProfileStore(self.dynamodb, self.profiles_table).add(profile_id, [interaction], now_ms=NOW_MS)

    def register(self, user_id: str, **properties: Any) -> None:
        UserStore(self.dynamodb, self.users_table).put([User(user_id, properties)], now_ms=NOW_MS)

    def catalogue(self, items: Mapping[str, Mapping[str, Any] | None], *, at_ms: int = NOW_MS) -> None:
        """Publish items of the catalogue. None deletes an item."""
        store = SnapshotStore(self.s3, self.bucket, self.directory / "publisher")
        changes = [Change(item_id, at_ms, properties) for item_id, properties in items.items()]
        SnapshotPublisher(store).publish(changes, columns=COLUMNS, version=0, now_ms=at_ms)
        contents = ChampionContents(self.s3, self.bucket, self.directory / "champion")
        ColdPublisher(store, contents).publish(changes, now_ms=at_ms)

    def count(self, **events: int) -> None:
        """Store numbers of events per item for the current minute."""
        now_ms = time.time_ns() // 1_000_000
        each = (item_id for item_id, number in events.items() for _ in range(number))
        counted = [Event(sequence, item_id, now_ms, 1.0) for sequence, item_id in enumerate(each)]
        counts = NOTHING_COUNTED.add(counted, sequence=len(counted), arrived_ms=now_ms)
        self.put(trends_key("shard-1"), counts.to_bytes())

    def get(
        self,
        route: str,
        *,
        path: dict[str, str] | None = None,
        token: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> dict[str, Any]:
        event = http_event(route, path=path, query=query)
        event["headers"].update(headers or {})
        if token is not None:
            event["requestContext"]["authorizer"] = {"lambda": dict(token)}
        answer: dict[str, Any] = handler.lambda_handler(event, LambdaContext())
        return answer

    def got(self, route: str, **arguments: Any) -> tuple[list[str], str]:
        answer = self.get(route, **arguments)
        assert answer["statusCode"] == 200, answer["body"]
        items = [item["itemId"] for item in orjson.loads(answer["body"])["itemList"]]
        return items, answer["headers"]["x-alsolike-source"]

    def ask(self, **fields: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
        answer = self.post({"userId": "anna", **fields})
        assert answer["statusCode"] == 200, answer["body"]
        document = orjson.loads(answer["body"])
        assert document.keys() == {"itemList", "recommendationId"}
        recommendation_id.parse(document["recommendationId"])
        return document["itemList"], answer["headers"]

    def items(self, filter_name: str | None = None, **fields: Any) -> list[str]:
        named = {} if filter_name is None else {"filterArn": f"{ARN}:filter/{filter_name}"}
        return self.listed(**named, **fields)[0]

    def listed(self, **fields: Any) -> tuple[list[str], dict[str, str]]:
        items, headers = self.ask(**fields)
        return [item["itemId"] for item in items], headers

    def refusal(self, **fields: Any) -> tuple[int, str]:
        answer = self.post({"userId": "anna", **fields})
        return answer["statusCode"], orjson.loads(answer["body"])["message"]

    def post(self, body: Any, *, route: str = "POST /recommendations", remaining_ms: int = 10_000) -> dict[str, Any]:
        context = LambdaContext(remaining_ms=remaining_ms)
        answer: dict[str, Any] = handler.lambda_handler(http_event(route, body), context)
        return answer


def invoke(context: LambdaContext | None = None, **event: Any) -> dict[str, Any]:
    """Invoke the function directly, as Lambda does, and return its response. Event and response pass through JSON."""
    answer = handler.lambda_handler(json.loads(json.dumps(event)), context or LambdaContext())
    document: dict[str, Any] = json.loads(json.dumps(answer))
    return document
