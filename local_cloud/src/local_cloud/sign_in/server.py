"""Authorization server of a user pool: code flow with PKCE, refresh, client credentials and sign-out.

The server signs in every browser as the local operator, without a password, because only programs on this machine can
reach the server.

https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
"""

import base64
import binascii
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer
from local_cloud.sign_in.clients import AppClient
from local_cloud.sign_in.grants import Grant, Grants
from local_cloud.tokens import mint_access_token, mint_user_tokens

OPERATOR = "local-operator"
_OPENID = "openid"


class OAuthError(Exception):
    """Error for a refused request for tokens. The message is the error code of RFC 6749."""


class SignInServer(HttpServer):
    def __init__(
        self,
        *,
        user_pool_id: str,
        region: str,
        find_client: Callable[[str], AppClient | None],
        find_groups: Callable[[], Sequence[str]],
        now: Callable[[], float] = time.time,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._pool_id = user_pool_id
        self._region = region
        self._find_client = find_client
        self._find_groups = find_groups
        self._now = now
        self._grants = Grants(now=now)
        super().__init__(port=port, tls=tls)

    def serve(self, request: HttpRequest) -> HttpResponse:
        if not self.is_addressed(request.header("Host")):
            return _page(403, "this is not an address of the sign-in")
        match request.method, request.path:
            case "GET", "/oauth2/authorize":
                return self._authorize(dict(parse_qsl(request.query)))
            case "GET", "/logout":
                return self._log_out(dict(parse_qsl(request.query)))
            case "POST", "/oauth2/token" | "/oauth2/revoke":
                return self._with_origin(request, self._token_request(request))
            case _:
                return _page(404, f"{request.method} {request.path} is not served here")

    def _authorize(self, query: Mapping[str, str]) -> HttpResponse:
        client = self._find_client(query.get("client_id", ""))
        redirect_uri = query.get("redirect_uri", "")
        # No response may redirect before the redirect URI is known to belong to the client.
        if client is None:
            return _page(400, f"client_id {query.get('client_id', '')!r} is not a client of this user pool")
        if redirect_uri not in client.callback_urls:
            return _page(400, f"redirect_uri {redirect_uri!r} is none of the client's {list(client.callback_urls)}")

        def back(**answer: str) -> HttpResponse:
            state = {"state": query["state"]} if "state" in query else {}
            separator = "&" if "?" in redirect_uri else "?"
            return _redirect(f"{redirect_uri}{separator}{urlencode({**answer, **state})}")

        if query.get("response_type") != "code" or "code" not in client.flows:
            return back(error="unauthorized_client")
        scopes = query["scope"].split() if "scope" in query else list(client.scopes)
        if not set(scopes) <= set(client.scopes):
            return back(error="invalid_scope")
        challenge = query.get("code_challenge")
        if challenge is not None and query.get("code_challenge_method") != "S256":
            return back(error="invalid_request", error_description="code_challenge_method is not S256")
        grant = Grant(client.client_id, scopes, int(self._now()), redirect_uri, challenge)
        return back(code=self._grants.code(grant))

    def _log_out(self, query: Mapping[str, str]) -> HttpResponse:
        client = self._find_client(query.get("client_id", ""))
        if client is None or query.get("logout_uri") not in client.logout_urls:
            return _page(400, f"logout_uri {query.get('logout_uri')!r} is none of the client's")
        return _redirect(query["logout_uri"])

    def _token_request(self, request: HttpRequest) -> HttpResponse:
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        try:
            client = self._authenticated(request, form)
            if request.path == "/oauth2/revoke":
                self._grants.revoke(form.get("token", ""), client_id=client.client_id)
                return _json(200, {})
            return _json(200, self._tokens(client, form))
        except OAuthError as error:
            return _json(400, {"error": str(error)})

    def _authenticated(self, request: HttpRequest, form: Mapping[str, str]) -> AppClient:
        """Return the client that sends a request. A client that has a secret must send it."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, credentials = (request.header("Authorization") or "").partition(" ")
        if kind.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_client") from None
        client = self._find_client(client_id)
        if client is None or not hmac.compare_digest((client.secret or "").encode(), secret.encode()):
            raise OAuthError("invalid_client")
        return client

    def _tokens(self, client: AppClient, form: Mapping[str, str]) -> dict[str, Any]:
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._grants.exchange(
                    form.get("code", ""),
                    client_id=client.client_id,
                    redirect_uri=form.get("redirect_uri", ""),
                    verifier=form.get("code_verifier", ""),
                )
                if grant is None:
                    raise OAuthError("invalid_grant")
                refresh = self._grants.refresh_token(grant, lifetime_s=client.refresh_s)
                return {**self._operator_tokens(client, grant), "refresh_token": refresh}
            case "refresh_token":
                grant = self._grants.refreshed(form.get("refresh_token", ""), client_id=client.client_id)
                if grant is None:
                    raise OAuthError("invalid_grant")
                return self._operator_tokens(client, grant)
            case "client_credentials" if "client_credentials" in client.flows:
                scopes = form["scope"].split() if "scope" in form else list(client.scopes)
                if not set(scopes) <= set(client.scopes):
                    raise OAuthError("invalid_scope")
                token = mint_access_token(
                    user_pool_id=self._pool_id,
                    client_id=client.client_id,
                    scopes=scopes,
                    region=self._region,
                    lifetime_s=client.access_s,
                )
                return {"access_token": token, "expires_in": client.access_s, "token_type": "Bearer"}
            case "client_credentials":
                raise OAuthError("unauthorized_client")
            case _:
                raise OAuthError("unsupported_grant_type")

    def _operator_tokens(self, client: AppClient, grant: Grant) -> dict[str, Any]:
        access, identity = mint_user_tokens(
            user_pool_id=self._pool_id,
            client_id=client.client_id,
            username=OPERATOR,
            scopes=grant.scopes,
            region=self._region,
            auth_time=grant.auth_time,
            access_s=client.access_s,
            id_s=client.id_s,
            groups=self._find_groups(),
        )
        tokens = {"access_token": access, "expires_in": client.access_s, "token_type": "Bearer"}
        return tokens | ({"id_token": identity} if _OPENID in grant.scopes else {})

    def _with_origin(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add CORS headers, so that scripts from the origins of the client's callback URLs may read the response."""
        origin, client_id = request.header("Origin"), dict(parse_qsl(request.body.decode(errors="replace")))
        client = self._find_client(client_id.get("client_id", ""))
        if origin is None or client is None or origin not in {_origin(url) for url in client.callback_urls}:
            return response
        allowed = (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))
        return HttpResponse(response.status, (*response.headers, *allowed), response.body)


def groups_of_operator(cognito: Any, user_pool_id: str) -> list[str]:
    """Return the groups of the local operator. The pool may lack a user for the operator."""
    try:
        found = cognito.admin_list_groups_for_user(UserPoolId=user_pool_id, Username=OPERATOR)["Groups"]
    except cognito.exceptions.UserNotFoundException:
        return []
    return [group["GroupName"] for group in found]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _redirect(url: str) -> HttpResponse:
    return HttpResponse(302, (("Location", url), ("Cache-Control", "no-store")), b"")


def _json(status: int, document: Mapping[str, Any]) -> HttpResponse:
    headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    return HttpResponse(status, headers, json.dumps(document).encode())


def _page(status: int, text: str) -> HttpResponse:
    headers = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
    return HttpResponse(status, headers, text.encode())
