"""A deployment that answers through the handler."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike import recommendation_id
from alsolike.catalogue_change import Change
from alsolike.champion_content import ChampionContents
from alsolike.cold_publisher import ColdPublisher
from alsolike.configuration import ColumnType
from alsolike.configuration_store import ConfigurationStore
from alsolike.popular_groups import Group
from alsolike.profiles import ProfileStore, RecentInteraction
from alsolike.registry import Registry
from alsolike.snapshot_publisher import SnapshotPublisher
from alsolike.snapshot_store import SnapshotStore
from alsolike.users import User, UserStore
from functions.recommend import handler
from tests.unit.functions.bundles import ITEMS as KNOWN
from tests.unit.functions.bundles import MANIFEST, upload_bundle, write_bundle
from tests.unit.functions.factories import NOW_MS, LambdaContext, http_event

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
}


@dataclasses.dataclass
class Shop:
    """A deployment with one model: after a pear comes a fig, then a plum."""

    s3: Any
    dynamodb: Any
    bucket: str
    profiles_table: str
    users_table: str
    directory: Path

    def publish(
        self,
        version: str = "v1",
        *,
        exclude_seen: bool = False,
        item_ids: Sequence[str] = KNOWN,
        properties: Mapping[str, Mapping[str, Any]] = ITEMS,
        groups: Sequence[Group] = (),
    ) -> None:
        folder = self.directory / version
        write_bundle(
            folder,
            manifest=dataclasses.replace(MANIFEST, version=version, exclude_seen=exclude_seen),
            transitions={("pear", "fig"): 2.0, ("pear", "plum"): 1.0},
            item_ids=item_ids,
            properties=properties,
            groups=groups,
        )
        upload_bundle(self.s3, self.bucket, folder, version=version)
        Registry(self.s3, self.bucket).promote(version, reason="test", now_ms=NOW_MS)

    def remember(self, profile_id: str, item_id: str, event_type: str = "view") -> None:
        interaction = RecentInteraction(NOW_MS - 1000, f"{item_id}-{event_type}", item_id, event_type)
        ProfileStore(self.dynamodb, self.profiles_table).add(profile_id, [interaction], now_ms=NOW_MS)

    def register(self, user_id: str, **properties: Any) -> None:
        UserStore(self.dynamodb, self.users_table).put([User(user_id, properties)], now_ms=NOW_MS)

    def configure(self, **parts: Any) -> None:
        store = ConfigurationStore(self.s3, self.bucket)
        document = {"format": 1, **parts}
        store.apply(store.current(), document, text="", by="test", reason="test", now_ms=NOW_MS)

    def catalogue(self, items: Mapping[str, Mapping[str, Any] | None], *, at_ms: int = NOW_MS) -> None:
        """Publish items of the catalogue; None deletes one."""
        store = SnapshotStore(self.s3, self.bucket, self.directory / "publisher")
        changes = [Change(item_id, at_ms, properties) for item_id, properties in items.items()]
        SnapshotPublisher(store).publish(changes, columns=COLUMNS, version=0, now_ms=at_ms)
        contents = ChampionContents(self.s3, self.bucket, self.directory / "champion")
        ColdPublisher(store, contents).publish(changes, now_ms=at_ms)

    def ask(self, **fields: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
        answer = self.post({"userId": "anna", **fields})
        assert answer["statusCode"] == 200, answer["body"]
        document = orjson.loads(answer["body"])
        assert document.keys() == {"itemList", "recommendationId"}
        recommendation_id.parse(document["recommendationId"])
        return document["itemList"], answer["headers"]

    def items(self, filter_name: str | None = None, **fields: Any) -> list[str]:
        named = {} if filter_name is None else {"filterArn": f"{ARN}:filter/{filter_name}"}
        return [item["itemId"] for item in self.ask(**named, **fields)[0]]

    def refusal(self, **fields: Any) -> tuple[int, str]:
        answer = self.post({"userId": "anna", **fields})
        return answer["statusCode"], orjson.loads(answer["body"])["message"]

    def post(self, body: Any, *, remaining_ms: int = 10_000) -> dict[str, Any]:
        context = LambdaContext(remaining_ms=remaining_ms)
        answer: dict[str, Any] = handler.lambda_handler(http_event("POST /recommendations", body), context)
        return answer
