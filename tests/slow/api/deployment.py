"""Deployment with a catalogue, a filter, a model and some history, and the values that schemathesis needs from it."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alsolike.declarations.routes import ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS
from alsolike.events.session_tokens import MAX_LIFETIME_S, Session, mint
from alsolike.recommendations.request_fields import GET_RECOMMENDATIONS
from alsolike.schema.json_schemas import or_null
from operations.configuration.configuration_versions import ConfigurationStore
from tests.booted.shop import SECONDS_PER_DAY, Shop, write_history

GIVEN = "ALSOLIKE_API_TEST"
"""Environment variable with the path of the file that contains the output of `given`."""

USERS, DAYS = 45, 24
FILTERS = {"up-to": "EXCLUDE ItemID WHERE Items.price > $MOST"}
SESSION_COLUMNS = ("TITLE", "PRICE")


def prepare(shop: Shop, directory: Path) -> None:
    history, items, users = (directory / f"{name}.csv" for name in ("history", "items", "users"))
    rows = write_history(history, users=USERS, days=DAYS, end=time.time() - 2 * SECONDS_PER_DAY)
    ids = sorted({item for _, item, _ in rows})
    items.write_text("ITEM_ID,TITLE,PRICE\n" + "".join(f"{each},Title of {each},1.5\n" for each in ids))
    users.write_text("USER_ID,LEVEL\n" + "".join(f"user-{number},gold\n" for number in range(USERS)))
    store = ConfigurationStore(shop.cloud.client("s3"), shop.name("artefact-bucket"))
    document = {
        "format": 1,
        "items": {"columns": {"price": "number"}},
        "filters": FILTERS,
        "sessions": {"columns": list(SESSION_COLUMNS), "filters": list(FILTERS)},
    }
    store.apply(store.current(), document, text="", by="test", reason="test", now_ms=time.time_ns() // 1_000_000)
    shop.alsolike("import", "interactions", history)
    shop.alsolike("import", "items", items)
    shop.alsolike("import", "users", users)
    trained = shop.alsolike("train")
    assert trained["decision"] == "promoted", trained["reasons"]


def given(shop: Shop) -> dict[str, Any]:
    """Return the deployment's tokens and names, and JSON Schemas of the values for bodies and parameters."""
    arn = shop.name("items-dataset-arn").partition("dataset/")[0]
    values: list[str | None] = ["5", "0.5"]
    filtered = {
        "filterArn": {"enum": [f"{arn}filter/up-to", None]},
        "filterValues": or_null(_filter_values([*values, None])),
    }
    promotions = GET_RECOMMENDATIONS.schema()["properties"]["promotions"]
    promotions["items"]["properties"] |= {**filtered, "filterArn": {"enum": [f"{arn}filter/up-to"]}}
    recommenders = ("for-you", "similar-items", "bought-together", "buy-again", "trending-3h", "popular")
    return {
        "url": shop.cloud.api_url,
        "tokens": {
            **{scope: shop.cloud.token([scope]) for scope in (WRITE_EVENTS, READ_RECOMMENDATIONS, ADMINISTER)},
            "session": mint(
                _session_key(shop), Session("visit", "user-0"), now_s=int(time.time()), lifetime_s=MAX_LIFETIME_S
            ),
        },
        "bodies": {
            "Events": {"trackingId": {"const": shop.name("tracking-id")}},
            "SessionEvents": {"trackingId": {"enum": [shop.name("tracking-id"), None]}},
            "Items": {"datasetArn": {"const": shop.name("items-dataset-arn")}},
            "Users": {"datasetArn": {"const": shop.name("users-dataset-arn")}},
            "Actions": {"datasetArn": {"const": f"{arn}dataset/alsolike-demo/ACTIONS"}},
            "ActionInteractions": {"trackingId": {"const": shop.name("tracking-id")}},
            "PromoteModel": {"canary": {"enum": [False, None]}},  # canaries are off in the demo
            "GetRecommendations": {
                **filtered,
                "promotions": promotions,
                "campaignArn": {"enum": [f"{arn}campaign/for-you", None]},
                "recommenderArn": {"enum": [*(f"{arn}recommender/{each}" for each in recommenders), None]},
            },
            "GetActionRecommendations": {"campaignArn": {"enum": [f"{arn}campaign/next-best-action", None]}},
            "GetPersonalizedRanking": {**filtered, "campaignArn": {"enum": [f"{arn}campaign/for-you"]}},
        },
        "session_columns": list(SESSION_COLUMNS),
        "parameters": {
            "filter": {"enum": list(FILTERS)},
            "filterValues": _filter_values(values),
            # The API rejects a promotion of the champion, so the promotion changes nothing.
            "version": {"enum": [shop.alsolike("models", "list")[0]["version"]]},
            "nextToken": {"enum": [base64.b64encode(each.encode()).decode() for each in ("item-00", "user-0")]},
        },
    }


def _filter_values(values: Sequence[str | None]) -> dict[str, Any]:
    return {"type": "object", "properties": {"MOST": {"enum": list(values)}}, "additionalProperties": False}


def _session_key(shop: Shop) -> bytes:
    secret = shop.cloud.client("secretsmanager").get_secret_value(SecretId=shop.name("session-key-arn"))
    return str(secret["SecretString"]).encode()
