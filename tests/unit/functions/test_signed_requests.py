"""Signed requests: permitted callers, and errors in the format of Personalize's clients."""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from alsolike.api.handler import api_handler
from alsolike.signing.key_pairs import SigningKey, encryption_context
from alsolike.signing.signature import INVALID, NO_SIGNATURE, UNKNOWN_KEY
from alsolike.signing.signed_requests import DENIED
from tests.builders.lambda_events import LambdaContext, http_event
from tests.builders.signed_requests import KEY_ID, NOW_S, SECRET, sign
from tests.fakes.places import create_table

READ, WRITE, ADMIN = "alsolike/recommendations.read", "alsolike/events.write", "alsolike/admin"
URL = "https://api.example/personalize"


@dataclasses.dataclass(frozen=True)
class Settings:
    keys_table: str


@dataclasses.dataclass
class Handled:
    """Handler whose response is the route of the request."""

    call: Callable[[dict[str, Any]], dict[str, Any]]
    store: Callable[[SigningKey], None]

    def __call__(self, event):
        """Return the status, and the route or the type of the error."""
        answer = self.call(event)
        return answer["statusCode"], answer["headers"].get("x-amzn-errortype", answer["body"])


@pytest.fixture
def handled(aws, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW_S)
    table = create_table(aws("dynamodb"), "keys", key="key_id")
    kms_key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    context = encryption_context(KEY_ID)
    secret = aws("kms").encrypt(KeyId=kms_key, Plaintext=SECRET.encode(), EncryptionContext=context)

    def store(key):
        stored = dataclasses.replace(key, secret=secret["CiphertextBlob"])
        aws("dynamodb").put_item(TableName=table, Item=stored.to_item())

    store(SigningKey(KEY_ID, "checkout", b"", (READ, WRITE), created_ms=0))

    monkeypatch.setenv("KEYS_TABLE", table)

    @api_handler(Settings)
    def handler(event, context):
        return {"statusCode": 200, "headers": {}, "body": event["routeKey"]}

    return Handled(lambda event: handler(event, LambdaContext()), store)


@pytest.mark.parametrize(
    ("path", "route", "method"),
    [
        ("recommendations", "POST /recommendations", "POST"),
        ("personalize-ranking", "POST /personalize-ranking", "POST"),
        ("events", "POST /events", "POST"),
        ("trending", "GET /trending", "GET"),
    ],
)
def test_signed_request_is_passed_to_the_unsigned_route(handled, path, route, method):
    assert handled(sign(url=f"{URL}/{path}", method=method)) == (200, route)


def test_variables_of_the_path_are_kept(handled):
    event = sign(url=f"{URL}/items/a%20b/similar", method="GET", route="/personalize/items/{itemId}/similar")

    assert handled(event) == (200, "GET /items/{itemId}/similar")


@pytest.mark.parametrize("scope", [READ, ADMIN])
@pytest.mark.parametrize("path", ["recommendation", "Recommendations", "recommendations/42", "personalize"])
def test_unknown_path_returns_404(handled, path, scope):
    handled.store(SigningKey(KEY_ID, "checkout", b"", (scope,), created_ms=0))

    answer = handled.call(sign(url=f"{URL}/{path}", route="/personalize/{proxy+}"))

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    message = orjson.loads(answer["body"])["message"]
    assert message.startswith(f"POST /personalize/{path} does not exist, expected one of /personalize, ")
    assert "/personalize/personalize-ranking, /personalize/recommendations" in message
    assert "proxy" not in message


def test_trailing_slash_is_the_control_plane(handled):
    handled.store(SigningKey(KEY_ID, "back-office", b"", (ADMIN,), created_ms=0))

    assert handled(sign(url=f"{URL}/", route="/personalize/{proxy+}")) == (200, "POST /{proxy+}")


def test_wrong_signature_on_an_unknown_path_is_refused(handled):
    event = sign(url=f"{URL}/recommendation", route="/personalize/{proxy+}", secret="t" * 40)

    assert handled(event) == (403, INVALID)


def test_other_requests_are_passed_on(handled):
    assert handled(http_event("POST /personalize-ranking")) == (200, "POST /personalize-ranking")


def test_response_and_refusal_have_the_correlation_id(handled):
    event = sign(secret="t" * 40)
    event["headers"]["x-correlation-id"] = "order-17"

    assert handled.call(event)["headers"]["x-correlation-id"] == "order-17"
    assert handled.call(http_event("POST /personalize-ranking"))["headers"]["x-correlation-id"] == "r1"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (sign(secret="t" * 40), INVALID),
        (sign(at_s=NOW_S - 301), INVALID),
        (sign(key_id="ALSOUNKNOWN"), UNKNOWN_KEY),
        (sign(token="session"), UNKNOWN_KEY),
        (sign(url=f"{URL}/items", method="GET"), DENIED),
        (http_event("POST /personalize/recommendations"), NO_SIGNATURE),
    ],
)
def test_refusals_have_the_error_codes_of_personalize(handled, event, code, logged):
    answer = handled.call(event)

    assert answer["statusCode"] == 403
    assert orjson.loads(answer["body"])["__type"] == answer["headers"]["x-amzn-errortype"] == code
    assert answer["headers"]["x-amzn-requestid"] == "r1"
    assert "SignatureRefused" in logged()


def test_responses_have_the_request_id(handled):
    assert handled.call(sign())["headers"]["x-amzn-requestid"] == "r1"


@pytest.mark.parametrize("change", [{"status": "disabled"}, {"expires_ms": int(NOW_S * 1000)}])
def test_disabled_or_expired_key_is_unknown(handled, change):
    handled.store(dataclasses.replace(SigningKey(KEY_ID, "checkout", b"", (READ,), created_ms=0), **change))

    assert handled(sign()) == (403, UNKNOWN_KEY)


def test_key_reaches_only_routes_of_its_scopes(handled):
    handled.store(SigningKey(KEY_ID, "back-office", b"", (ADMIN,), created_ms=0))

    assert handled(sign()) == (403, DENIED)
    assert handled(sign(url=f"{URL}/items", method="GET")) == (200, "GET /items")
    assert handled(sign(url=f"{URL}/openapi.json", method="GET")) == (200, "GET /openapi.json")


def test_unreadable_body_is_invalid(handled):
    event = sign()

    assert handled({**event, "body": "\ud800"}) == (400, "InvalidInputException")


def basic(password):
    credentials = base64.b64encode(f"{KEY_ID}:{password}".encode()).decode()
    event = http_event("GET /metrics")
    event["headers"]["authorization"] = f"Basic {credentials}"
    return event


@pytest.mark.parametrize("event", [sign(), sign(secret="t" * 40), basic(SECRET), basic("wrong")])
@pytest.mark.parametrize("operation", ["kms.Decrypt", "dynamodb.GetItem"])
@pytest.mark.parametrize(
    "outage",
    [
        ClientError({"Error": {"Code": "InvalidCiphertextException", "Message": "of key-1"}}, "Decrypt"),
        EndpointConnectionError(endpoint_url="https://aws.internal"),
    ],
)
def test_unverified_caller_gets_no_key_or_aws_error_details(handled, cloud, logged, event, operation, outage):
    cloud.outages[operation] = outage

    answer = handled.call(event)

    assert answer["statusCode"] == 503
    assert orjson.loads(answer["body"]) == {"message": "access keys cannot be read now; repeat the request"}
    assert orjson.dumps(str(outage)).decode().strip('"') in logged()
