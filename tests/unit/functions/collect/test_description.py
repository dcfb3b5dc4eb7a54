from functions.collect import handler
from tests.builders.lambda_events import LambdaContext, http_event


def test_openapi_description_contains_configured_types_and_columns(collect, configure):
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


def test_openapi_request_with_current_etag_returns_304(collect):
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
