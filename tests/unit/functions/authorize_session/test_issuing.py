"""Session tokens of pages with a site key."""

import time

import orjson
import pytest

from alsolike.events.session_tokens import verify
from functions.authorize_session import handler
from tests.builders.lambda_events import LambdaContext
from tests.builders.world import configure

KEY, BUCKET, NOW_S = "k" * 64, "artefacts", 1_790_000_000
ORIGIN, VISITOR = "https://www.shop.example", "f81d4fae7dec11d0a76500a0c91e6bf6"


@pytest.fixture
def apply(aws, set_variables, replace_clients, monkeypatch):
    """Return a function that applies sites. The site `www` is already applied."""
    s3, secrets = aws("s3"), aws("secretsmanager")
    s3.create_bucket(Bucket=BUCKET)
    arn = secrets.create_secret(Name="session-key", SecretString=KEY)["ARN"]
    set_variables(SESSION_KEY_ARN=arn, ARTEFACT_BUCKET=BUCKET)
    replace_clients(handler, s3=s3, secretsmanager=secrets)
    monkeypatch.setattr(time, "time", lambda: float(NOW_S))

    def apply_sites(sites):
        configure(s3, BUCKET, sessions={"sites": sites})

    apply_sites({"www": {"origins": [ORIGIN]}})
    return apply_sites


def ask(body, *, origin=ORIGIN):
    event = {
        "version": "2.0",
        "routeKey": "POST /session/tokens",
        "headers": {} if origin is None else {"origin": origin},
        "requestContext": {"requestId": "r-1", "http": {"method": "POST", "path": "/session/tokens"}},
        "body": orjson.dumps(body).decode(),
    }
    answer = handler.lambda_handler(event, LambdaContext())
    return answer["statusCode"], orjson.loads(answer["body"])


@pytest.mark.usefixtures("apply")
def test_page_of_the_origin_gets_a_token_of_its_session():
    status, document = ask({"siteKey": "www", "visitor": VISITOR})

    session = verify(document["token"], [KEY.encode()], now_s=NOW_S)
    assert (status, document["expiresInS"]) == (200, 900)
    assert (session.session_id, session.user_id, session.site) == (document["sessionId"], None, "www")


@pytest.mark.usefixtures("apply")
def test_session_id_depends_on_the_visitor_and_does_not_contain_it():
    ids = [ask({"siteKey": "www", "visitor": visitor})[1]["sessionId"] for visitor in (VISITOR, VISITOR, "b" * 22)]

    assert ids[0] == ids[1] != ids[2]
    assert VISITOR not in ids[0]


@pytest.mark.usefixtures("apply")
@pytest.mark.parametrize(
    ("body", "origin", "status", "message"),
    [
        ({"siteKey": "other", "visitor": VISITOR}, ORIGIN, 404, 'siteKey is "other", expected one of sessions.sites'),
        ({"siteKey": "www", "visitor": VISITOR}, "https://evil.example", 400, 'origin is "https://evil.example"'),
        ({"siteKey": "www", "visitor": VISITOR}, None, 400, "origin is missing"),
        ({"siteKey": "www", "visitor": VISITOR}, "null", 400, 'origin is "null"'),
        ({"siteKey": "www", "visitor": VISITOR}, f"{ORIGIN}.evil.example", 400, "expected one of"),
        ({"siteKey": "www", "visitor": "guessable"}, ORIGIN, 400, "chosen at random"),
        ({"siteKey": "www"}, ORIGIN, 400, "visitor is missing"),
        ({"siteKey": "www", "visitor": VISITOR, "sub": "anna"}, ORIGIN, 400, "sub is not a known field"),
        ([], ORIGIN, 400, "expected an object"),
        ({"siteKey": "www", "visitor": "a" * 2_000}, ORIGIN, 400, "expected at most 1000"),
    ],
)
def test_other_requests_get_no_token(body, origin, status, message, counted):
    answered, document = ask(body, origin=origin)

    assert answered == status
    assert message in document["message"]
    assert "token" not in document
    assert counted() == {"SessionTokensRefused": 1}


def test_new_site_key_is_valid_at_once(apply):
    assert ask({"siteKey": "outlet", "visitor": VISITOR})[0] == 404

    apply({"outlet": {"origins": [ORIGIN]}})
    handler._configuration.cache_clear()

    assert ask({"siteKey": "outlet", "visitor": VISITOR})[0] == 200
