"""Permissions of a browser with a session token."""

import http.client
import json
import time
import uuid
from urllib.parse import urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from alsolike.events.session_tokens import Session, mint
from alsolike.profiles.profile_table import ProfileStore
from tests.booted.shop import eventually

EVENTS = "/session/events"
BROWSER_ROUTES = [("POST", EVENTS), ("GET", "/session/recommendations"), ("GET", "/session/items/pear/similar")]
UNAUTHORIZED = (401, {"message": "Unauthorized"})
FORBIDDEN = (403, {"message": "Forbidden"})


def send_raw(shop, method, path, *, headers, body=None):
    """Send a request with unchanged headers, which can be repeated and contain any bytes."""
    address = urlsplit(shop.cloud.api_url)
    connection = http.client.HTTPSConnection(address.hostname or "", address.port, timeout=60, context=shop.tls)
    data = b"" if body is None else json.dumps(body).encode()
    try:
        connection.putrequest(method, path)
        for name, value in [*headers, ("content-type", b"application/json"), ("content-length", b"%d" % len(data))]:
            connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        content = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(content) if content else {}, found
    finally:
        connection.close()


def browse(shop, token, *, method="POST", path=EVENTS, body=None):
    value = token if isinstance(token, bytes) else token.encode()
    sent = event("pear") if body is None and method == "POST" else body
    status, document, _ = send_raw(shop, method, path, headers=[("authorization", b"Bearer " + value)], body=sent)
    return status, document


def event(*items):
    return {"eventList": [{"eventType": "view", "sentAt": time.time(), "itemId": item} for item in items]}


@pytest.fixture
def key(shop):
    secret = shop.cloud.client("secretsmanager").get_secret_value(SecretId=shop.name("session-key-arn"))
    return str(secret["SecretString"]).encode()


@pytest.fixture
def session():
    return f"session-{uuid.uuid4().hex}"


@pytest.fixture
def claims(session):
    now_s = int(time.time())
    return {"iss": "alsolike", "aud": "alsolike-session", "sid": session, "iat": now_s, "exp": now_s + 900}


def recent(shop, profile):
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return [interaction.item_id for interaction in store.read(profile, consistent=True).recent]


def test_session_token_of_the_command_sends_session_events(shop, session):
    token = shop.run_alsolike("session-token", "--session", session).strip()

    assert browse(shop, token, body=event("pear", "plum")) == (200, {})

    found = eventually(lambda: recent(shop, f"s#{session}"), holds=lambda items: len(items) == 2)
    assert sorted(map(str, found)) == ["pear", "plum"]


def test_session_token_of_another_library_sends_user_events(shop, key, claims):
    token = jwt.encode({"alg": "HS256"}, {**claims, "sub": "browsing"}, OctKey.import_key(key))

    assert browse(shop, token, body=event("fig")) == (200, {})

    assert eventually(lambda: recent(shop, "u#browsing")) == ["fig"]


@pytest.mark.parametrize(("method", "path"), BROWSER_ROUTES)
def test_browser_route_accepts_only_a_session_token(shop, key, session, method, path):
    machine = shop.cloud.token(["alsolike/events.write", "alsolike/recommendations.read"])
    token = mint(key, Session(session), now_s=int(time.time()))

    assert browse(shop, token, method=method, path=path)[0] == 200
    assert browse(shop, machine, method=method, path=path) == FORBIDDEN
    assert send_raw(shop, method, path, headers=[])[:2] == UNAUTHORIZED
    assert send_raw(shop, method, path, headers=[("authorization", b"")])[:2] == UNAUTHORIZED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/events"),
        ("POST", "/items"),
        ("POST", "/recommendations"),
        ("GET", "/items"),
        ("PATCH", "/items/a"),
        ("GET", "/users/a/data"),
        ("DELETE", "/users/a"),
    ],
)
def test_session_token_is_refused_on_other_routes(shop, key, session, method, path):
    token = mint(key, Session(session), now_s=int(time.time()))

    assert browse(shop, token, method=method, path=path, body={}) == UNAUTHORIZED


def test_page_with_a_site_key_sends_events_of_its_session(shop, tmp_path, session):
    origin, key = "http://localhost:8000", f"site-{session[-8:]}"
    configuration = tmp_path / "shop.yaml"
    configuration.write_text(f'format: 1\nsessions: {{sites: {{{key}: {{origins: ["{origin}"]}}}}}}\n')
    shop.alsolike("config", "apply", configuration, "--reason", "a site key")
    headers = [("origin", origin.encode())]

    status, issued, answered = send_raw(
        shop, "POST", "/session/tokens", headers=headers, body={"siteKey": key, "visitor": uuid.uuid4().hex}
    )
    assert (status, answered["access-control-allow-origin"]) == (200, origin)

    def send(token):
        query = urlencode({"authorization": f"Bearer {token}"})
        return send_raw(shop, "POST", f"/session/beacons?{query}", headers=headers, body=event("pear"))[0]

    # collect reads the new configuration within 30 s
    assert eventually(lambda: send(issued["token"]), holds=(200).__eq__) == 200
    assert eventually(lambda: recent(shop, f"s#{issued['sessionId']}")) == ["pear"]
    assert send("other") == 403
    assert send_raw(shop, "POST", "/session/beacons", headers=headers, body=event("pear"))[0] == 401
    elsewhere = [("origin", b"https://evil.example")]
    assert (
        send_raw(shop, "POST", "/session/tokens", headers=elsewhere, body={"siteKey": key, "visitor": "v" * 22})[0]
        == 400
    )


def test_invalid_session_token_is_forbidden_and_never_a_server_error(shop, key, claims):
    def encode(stated, *, key=key):
        return jwt.encode({"alg": "HS256"}, stated, OctKey.import_key(key))

    good = encode(claims)
    wrong: list[str | bytes] = [
        encode({**claims, "iat": claims["iat"] - 900, "exp": claims["iat"] - 1}),
        encode(claims, key=b"x" * 64),
        encode({**claims, "sid": "a" * 7_000}),
        good[: len(good) // 2],
        "a" * 10_240,
        "..",
        b"\xff\xfe.\x80.\xc3",
        b"%00%01",
        good + "é",
    ]

    assert browse(shop, good)[0] == 200
    for token in wrong:
        assert browse(shop, token) == FORBIDDEN, token


def test_other_schemes_and_repeated_headers_are_forbidden(shop, key, session):
    token = mint(key, Session(session), now_s=int(time.time())).encode()

    for values in ([token], [b"Basic " + token], [b"Bearer"], [b"Bearer " + token] * 2):
        headers = [("Authorization", value) for value in values]
        assert send_raw(shop, "POST", EVENTS, headers=headers, body=event("pear"))[:2] == FORBIDDEN


def test_pages_of_configured_origins_may_call_the_api(shop, key, session):
    token = mint(key, Session(session), now_s=int(time.time()))

    def from_page(method, origin, *headers):
        sent = [("origin", origin), *headers]
        status, _, found = send_raw(
            shop, method, EVENTS, headers=sent, body=event("pear") if method == "POST" else None
        )
        return status, found

    preflight = ("access-control-request-method", b"POST")
    status, allowed = from_page("OPTIONS", b"http://localhost:8000", preflight)
    assert (status, allowed["access-control-allow-origin"]) == (204, "http://localhost:8000")
    assert "authorization" in allowed["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed
    assert "access-control-allow-origin" not in from_page("OPTIONS", b"https://evil.example", preflight)[1]
    bearer = ("authorization", b"Bearer " + token.encode())
    status, answered = from_page("POST", b"http://localhost:8000", bearer)
    assert (status, answered["access-control-allow-origin"]) == (200, "http://localhost:8000")
    assert "x-alsolike-model-version" in answered["access-control-expose-headers"]
    # Without this header, a page could not distinguish an expired token from a network failure.
    status, refused = from_page("POST", b"http://localhost:8000", ("authorization", b"Bearer a.b.c"))
    assert (status, refused["access-control-allow-origin"]) == (403, "http://localhost:8000")


def test_rotated_key_is_used_at_once_and_the_previous_one_stays_valid(shop, key):
    secrets, arn, new = shop.cloud.client("secretsmanager"), shop.name("session-key-arn"), b"n" * 64

    def status(signed_by):
        session = Session(f"session-{uuid.uuid4().hex}")  # rejections are cached by token
        return browse(shop, mint(signed_by, session, now_s=int(time.time())))[0]

    assert status(new) == 403
    secrets.put_secret_value(SecretId=arn, SecretString=new.decode())

    # After a wrong signature, the function reads the key again, but at most once in `CHECK_ON_MISMATCH_S`.
    assert eventually(lambda: status(new), holds=lambda status: status == 200) == 200
    assert status(key) == 200


def test_logs_contain_no_session_user_or_secret(shop, key, session):
    now_s = int(time.time())
    token = mint(key, Session(session, f"of-{session}"), now_s=now_s)
    browse(shop, token)
    browse(shop, token[:-1])
    shop.cloud.flush()

    logs = shop.cloud.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines_of_groups = {
        group: [line["message"] for line in logs.filter_log_events(logGroupName=group)["events"]] for group in groups
    }
    lines = [line for group in lines_of_groups.values() for line in group]
    assert any("POST /session/events" in line for line in lines)
    assert any('"request refused"' in line and "authorize_session" in line for line in lines)
    secret = key.decode()
    assert not [line for line in lines if session in line or secret in line or token.split(".")[2] in line]
