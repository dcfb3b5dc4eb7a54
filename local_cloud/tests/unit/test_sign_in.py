import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from local_cloud.http_server import HttpRequest, HttpResponse
from local_cloud.sign_in.clients import AppClient
from local_cloud.sign_in.grants import challenge_of
from local_cloud.sign_in.server import SignInServer

# RFC 7636, appendix B.
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PAGE = "http://127.0.0.1:9/console.html"
PAGES = AppClient("pages", None, ("code",), ("openid", "shop/admin"), (PAGE, f"{PAGE}?tab=1"), (PAGE,), 900, 900, 3_600)
MACHINE = AppClient("machine", "secret", ("client_credentials",), ("shop/read",), (), (), 60, 60, 60)
REQUEST = {
    "response_type": "code",
    "client_id": "pages",
    "redirect_uri": PAGE,
    "scope": "openid shop/admin",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Pool:
    def __init__(self) -> None:
        self.now = 1_000.0
        self.groups: list[str] = []
        clients = {client.client_id: client for client in (PAGES, MACHINE)}
        self.server = SignInServer(
            user_pool_id="us-east-1_pool",
            region="us-east-1",
            find_client=clients.get,
            find_groups=lambda: self.groups,
            now=lambda: self.now,
        )

    def call(
        self, method: str, path: str, *, query: str = "", body: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> HttpResponse:
        host = ("Host", self.server.url.removeprefix("http://"))
        received = datetime(2026, 11, 26, tzinfo=UTC)
        return self.server.serve(
            HttpRequest(method, path, query, (*headers, host), body.encode(), "::1", "HTTP/1.1", "id", received)
        )

    def authorize(self, **changes: str | None) -> HttpResponse:
        parameters = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
        return self.call("GET", "/oauth2/authorize", query=urlencode(parameters))

    def code(self, **changes: str | None) -> str:
        return str(redirect_parameters(self.authorize(**changes))["code"])

    def token(self, headers: Sequence[tuple[str, str]] = (), **form: str) -> HttpResponse:
        return self.call("POST", "/oauth2/token", body=urlencode(form), headers=headers)

    def exchange(self, code: str, **changes: str) -> HttpResponse:
        form = {"grant_type": "authorization_code", "client_id": "pages", "redirect_uri": PAGE}
        return self.token((), **{**form, "code": code, "code_verifier": VERIFIER, **changes})


@pytest.fixture
def pool():
    found = Pool()
    yield found
    found.server.stop()


def redirect_parameters(response):
    assert response.status == 302
    location = urlsplit(dict(response.headers)["Location"])
    assert location._replace(query="").geturl() == PAGE
    return {name: value for name, (value,) in parse_qs(location.query).items()}


def document(response):
    return json.loads(response.body)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_pkce_challenge_equals_the_example_of_the_standard():
    assert challenge_of(VERIFIER) == CHALLENGE


def test_code_is_exchanged_for_tokens_of_the_local_operator(pool):
    back = redirect_parameters(pool.authorize())
    tokens = document(pool.exchange(back["code"]))

    assert back["state"] == "s"
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    access, identity = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert (access["client_id"], access["scope"], access["token_use"]) == ("pages", "openid shop/admin", "access")
    assert (access["username"], access["exp"] - access["iat"]) == ("local-operator", 900)
    assert (identity["aud"], identity["token_use"], identity["sub"]) == ("pages", "id", access["sub"])


@pytest.mark.parametrize("groups", [[], ["read-only", "night shift"]])
def test_tokens_name_the_groups_of_the_operator(pool, groups):
    pool.groups = groups

    tokens = document(pool.exchange(pool.code()))

    for token in (tokens["access_token"], tokens["id_token"]):
        assert claims(token).get("cognito:groups", []) == groups


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "http://evil.example/"}])
def test_redirect_to_a_foreign_page_is_refused(pool, changes):
    response = pool.authorize(**changes)

    assert response.status == 400
    assert "Location" not in dict(response.headers)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unauthorized_client"),
        ({"scope": "openid shop/other"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
    ],
)
def test_invalid_request_is_redirected_with_its_error(pool, changes, error):
    back = redirect_parameters(pool.authorize(**changes))

    assert (back["error"], back["state"]) == (error, "s")
    assert "code" not in back


def test_query_of_a_redirect_uri_is_kept(pool):
    location = dict(pool.authorize(redirect_uri=f"{PAGE}?tab=1").headers)["Location"]

    assert parse_qs(urlsplit(location).query).keys() == {"tab", "code", "state"}
    assert parse_qs(urlsplit(location).query)["tab"] == ["1"]


def test_code_is_valid_once(pool):
    code = pool.code()

    assert pool.exchange(code).status == 200
    assert document(pool.exchange(code)) == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another"},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:9/"},
        {"code": "invented"},
    ],
)
def test_code_is_valid_only_for_its_client_and_revoked_after_a_wrong_use(pool, changes):
    code = pool.code()

    assert document(pool.exchange(**{"code": code, **changes})) == {"error": "invalid_grant"}
    assert pool.exchange(code).status == (200 if "code" in changes else 400)


def test_code_expires_after_five_minutes(pool):
    code, other = pool.code(), pool.code()

    pool.now += 299
    assert pool.exchange(code).status == 200
    pool.now += 1
    assert pool.exchange(other).status == 400


def test_refresh_token_is_valid_until_it_expires_or_is_revoked(pool):
    first, second = (document(pool.exchange(pool.code()))["refresh_token"] for _ in range(2))

    def refreshed(token):
        return pool.token(grant_type="refresh_token", client_id="pages", refresh_token=token)

    assert claims(document(refreshed(first))["access_token"])["scope"] == "openid shop/admin"
    assert "refresh_token" not in document(refreshed(first))
    pool.call("POST", "/oauth2/revoke", body=urlencode({"client_id": "pages", "token": second}))
    assert document(refreshed(second)) == {"error": "invalid_grant"}
    pool.now += 3_600
    assert document(refreshed(first)) == {"error": "invalid_grant"}


def test_client_credentials_are_exchanged_for_a_token(pool):
    basic = base64.b64encode(b"machine:secret").decode()
    wrong = base64.b64encode(b"machine:guess").decode()

    answer = pool.token([("Authorization", f"Basic {basic}")], grant_type="client_credentials")

    assert claims(document(answer)["access_token"])["scope"] == "shop/read"
    refused = pool.token([("Authorization", f"Basic {wrong}")], grant_type="client_credentials")
    assert (refused.status, document(refused)) == (400, {"error": "invalid_client"})
    assert document(pool.token(grant_type="client_credentials", client_id="machine")) == {"error": "invalid_client"}
    assert document(pool.token(grant_type="client_credentials", client_id="pages")) == {"error": "unauthorized_client"}


def test_token_response_is_readable_only_by_pages_of_the_client(pool):
    def allowed(origin):
        answer = pool.token([("Origin", origin)], grant_type="refresh_token", client_id="pages", refresh_token="x")
        return dict(answer.headers).get("Access-Control-Allow-Origin")

    assert allowed("http://127.0.0.1:9") == "http://127.0.0.1:9"
    assert allowed("http://evil.example") is None


def test_logout_redirects_only_to_pages_of_the_client(pool):
    own = pool.call("GET", "/logout", query=urlencode({"client_id": "pages", "logout_uri": PAGE}))
    elsewhere = pool.call("GET", "/logout", query=urlencode({"client_id": "pages", "logout_uri": "http://evil/"}))

    assert (own.status, dict(own.headers)["Location"]) == (302, PAGE)
    assert elsewhere.status == 400


def test_request_with_a_foreign_host_is_refused(pool):
    received = datetime(2026, 11, 26, tzinfo=UTC)
    query = urlencode(REQUEST)
    request = HttpRequest("GET", "/oauth2/authorize", query, (("Host", "evil"),), b"", "", "", "id", received)

    assert pool.server.serve(request).status == 403
