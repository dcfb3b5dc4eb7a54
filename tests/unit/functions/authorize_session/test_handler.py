"""Authorizer of the browser routes, and session tokens of pages with a site key."""

import subprocess
import sys
import time

import orjson
import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.events.session_tokens import Session, mint, verify
from alsolike.runtime.errors import Unavailable
from functions.authorize_session import handler
from functions.authorize_session.session_keys import CHECK_ON_MISMATCH_S, CHECK_S
from tests.builders.lambda_events import LambdaContext, http_event
from tests.builders.rest_events import METHOD_ARN, rest_event
from tests.builders.world import configure

NOW_S = 1_790_000_000
OLD, NEW, NEWEST = "o" * 64, "n" * 64, "w" * 64
READ = "secrets-manager.GetSecretValue"


def token(key=OLD, *, user_id="anna", now_s=NOW_S):
    return mint(key.encode(), Session("s1", user_id), now_s=now_s)


def test_health_check_gets_an_empty_answer_without_a_log(capsys):
    answer = handler.lambda_handler({"routeKey": "GET /health", "headers": {}}, LambdaContext())

    assert (answer["statusCode"], answer["body"]) == (200, "{}")
    assert capsys.readouterr().out == ""


class Secret:
    """Session key in Secrets Manager, with the number of its reads and a switch for failures."""

    def __init__(self, cloud, client):
        self._cloud, self._client = cloud, client
        self.arn: str = client.create_secret(Name="session-key", SecretString=OLD)["ARN"]

    @property
    def reads(self):
        reads = [call.request for call in self._cloud.calls if call.operation == READ]
        return sum(request["VersionStage"] == "AWSCURRENT" for request in reads)

    def rotate(self, value):
        self._client.put_secret_value(SecretId=self.arn, SecretString=value)

    def cut_off(self):
        self._cloud.outages[READ] = EndpointConnectionError(endpoint_url="https://secretsmanager")

    def reconnect(self):
        del self._cloud.outages[READ]


class Clock:
    def __init__(self):
        self.now_s = float(NOW_S)

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def secret(aws, cloud, clock, set_variables, replace_clients):
    client = aws("secretsmanager")
    secret = Secret(cloud, client)
    set_variables(SESSION_KEY_ARN=secret.arn, ARTEFACT_BUCKET="artefacts")
    replace_clients(handler, secretsmanager=client)
    return secret


def authorize(header):
    event = {"version": "2.0", "type": "REQUEST", "identitySource": [header], "routeKey": "POST /session/events"}
    return handler.lambda_handler(event, LambdaContext())


def passes(text):
    return bool(authorize(f"Bearer {text}")["isAuthorized"])


@pytest.mark.usefixtures("secret")
def test_valid_token_is_authorized_with_session_and_user():
    assert authorize(f"Bearer {token()}") == {"isAuthorized": True, "context": {"sessionId": "s1", "userId": "anna"}}
    assert authorize(f"bearer  {token(user_id=None)} ") == {"isAuthorized": True, "context": {"sessionId": "s1"}}


@pytest.mark.parametrize(
    "header",
    [
        token(),
        f"Basic {token()}",
        "Bearer",
        f"Bearer {token()} {token()}",
        f"Bearer {token(NEW)}",
        "Bearer \ud800.a.b",
    ],
)
def test_invalid_token_is_refused_and_counted_without_logging_it(secret, header, counted, logged):
    assert authorize(header) == {"isAuthorized": False}

    assert counted() == {"SessionTokensRefused": 1}
    assert '"request refused"' in logged()
    assert not [secret for secret in (*token().split("."), OLD, NEW, "anna") if secret in logged()]


def policy(route, *, header="", query=""):
    event = http_event(route)
    event = {**event, "headers": {"authorization": header}, "rawQueryString": query}
    return handler.lambda_handler({**rest_event(event), "type": "REQUEST", "methodArn": METHOD_ARN}, LambdaContext())


@pytest.mark.usefixtures("secret")
def test_rest_api_gets_a_policy_for_all_routes_of_the_stage():
    header, query = f"Bearer {token()}", f"authorization=Bearer%20{token()}"
    answers = [policy("POST /session/events", header=header), policy("POST /session/beacons", query=query)]

    for answer in answers:
        assert answer["policyDocument"]["Statement"] == [
            {
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/api/*",
            }
        ]
        assert answer["context"] == {"sessionId": "s1", "userId": "anna"}
        assert answer["principalId"]


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(
    ("route", "values"),
    [
        ("POST /session/events", {"header": f"Bearer {token(NEW)}"}),
        ("POST /session/events", {"header": "Bearer ..", "query": f"authorization=Bearer%20{token()}"}),
        ("POST /session/beacons", {"header": f"Bearer {token()}", "query": "authorization=Bearer%20x.y.z"}),
    ],
)
def test_rest_api_gets_a_denial_for_an_invalid_token(route, values):
    answer = policy(route, **values)

    assert [statement["Effect"] for statement in answer["policyDocument"]["Statement"]] == ["Deny"]
    assert answer["context"] == {}


def test_signing_key_is_cached_for_five_minutes(secret, clock):
    assert passes(token())
    clock.now_s += CHECK_S - 1
    assert passes(token())
    assert secret.reads == 1

    clock.now_s += 1
    assert passes(token())
    assert secret.reads == 2


def test_new_key_is_valid_at_once_and_old_key_until_the_next_rotation(secret, clock):
    assert passes(token())
    secret.rotate(NEW)
    clock.now_s += CHECK_ON_MISMATCH_S

    assert passes(token(NEW))
    assert passes(token(OLD))

    secret.rotate(NEWEST)
    clock.now_s += CHECK_S + 1
    assert [passes(token(key)) for key in (NEWEST, NEW, OLD)] == [True, True, False]


def test_forged_tokens_do_not_cause_repeated_key_reads(secret, clock):
    forged = token("f" * 64)

    assert not any(passes(forged) for _ in range(5))
    assert secret.reads == 1
    clock.now_s += CHECK_ON_MISMATCH_S
    assert not any(passes(forged) for _ in range(5))
    assert secret.reads == 2


def test_cached_keys_stay_valid_while_the_secret_is_unreadable(secret, clock, counted, logged):
    assert passes(token())
    secret.cut_off()
    clock.now_s += CHECK_S + 1

    assert passes(token())
    assert not passes(token(NEW))

    # The second call does not read again, because the failed read is too recent.
    assert counted() == {"SessionKeysStale": 1, "SessionTokensRefused": 1}
    assert "session keys cannot be read" in logged()


def test_failed_key_read_is_retried_after_five_seconds(secret, clock):
    assert passes(token())
    secret.rotate(NEW)
    secret.rotate(NEWEST)
    secret.cut_off()
    clock.now_s += CHECK_S
    assert passes(token())
    secret.reconnect()

    clock.now_s += CHECK_ON_MISMATCH_S - 1
    assert passes(token())
    clock.now_s += 1
    assert not passes(token())


def test_authorizer_without_any_key_raises_unavailable(secret):
    secret.cut_off()

    with pytest.raises(Unavailable, match="secretsmanager"):
        authorize(f"Bearer {token()}")

    secret.reconnect()
    assert passes(token())


def test_authorizer_starts_without_the_configuration():
    reader = "alsolike.configuration_document.reader"
    code = f"import sys, functions.authorize_session.handler; print({reader!r} in sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"


KEY, BUCKET = "k" * 64, "artefacts"
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
