from collections.abc import Callable
from typing import Any

from functions.collect import handler
from tests.builders.lambda_events import LambdaContext, http_event


def test_the_description_is_of_what_the_configuration_says(
    collect: Callable[..., Any], configure: Callable[[dict[str, Any]], None]
) -> None:
    configure(
        {"events": {"wishlist": {"weight": 2}}, "items": {"columns": {"weightKg": "number", "packed": "timestamp"}}}
    )

    answer = collect("GET /openapi.json")

    assert answer["statusCode"] == 200
    schemas = answer["document"]["components"]["schemas"]
    event_type = schemas["Events"]["properties"]["eventList"]["items"]["properties"]["eventType"]
    assert "wishlist" in event_type["description"]
    columns = schemas["ItemChanges"]["properties"]
    assert columns["weightKg"] == {"type": ["number", "null"]}
    assert columns["packed"]["format"] == "unixtime"


def test_who_has_the_description_is_told_so(collect: Callable[..., Any]) -> None:
    first = collect("GET /openapi.json")
    event = http_event("GET /openapi.json")
    event["headers"]["if-none-match"] = f'"other", W/{first["headers"]["etag"]}'

    again = handler.lambda_handler(event, LambdaContext())

    assert again == {
        "statusCode": 304,
        "headers": {
            "etag": first["headers"]["etag"],
            "cache-control": "private, max-age=60",
            "x-correlation-id": "r1",
        },
    }
