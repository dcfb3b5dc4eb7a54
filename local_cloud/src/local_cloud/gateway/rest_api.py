"""Private REST APIs: payload format 1.0, resource policies, Cognito authorizers, and authorizers that return policies.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from urllib.parse import parse_qsl

from local_cloud.execution.function import FunctionNotFoundError, ThrottledError
from local_cloud.gateway.access_log import Served
from local_cloud.gateway.authorizers import (
    Admission,
    Decision,
    Event,
    JwtAuthorizer,
    LambdaAuthorizer,
    RefusedError,
    claim_text,
)
from local_cloud.gateway.http_api import HttpApi, HttpApiServer, Stage
from local_cloud.gateway.request import ApiContext, encoded_body, grouped
from local_cloud.gateway.response import function_response, message_response
from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest, HttpResponse
from local_cloud.permissions.policy import Need, PolicyError, RolePolicy

INVOKE: Final = "execute-api:Invoke"
ENDPOINT_KEY: Final = "aws:SourceVpce"


@dataclass(frozen=True, slots=True)
class RestApi(HttpApi):
    """Private REST API. `endpoints` contains the IDs of its VPC endpoints. An empty policy refuses every request."""

    endpoints: Sequence[str]
    policy: RolePolicy


class RestApiServer(HttpApiServer):
    """Server of a private REST API.

    A request to the address of this server counts as sent through the first associated VPC endpoint. The host
    `<API>-<endpoint>.execute-api.…` selects another endpoint. Other hosts are public names, without an endpoint.
    """

    _api: RestApi

    def _respond(self, served: Served, stage: Stage, path: str) -> HttpResponse:
        arn = request_arn(served.request, stage.api)
        endpoint = self._endpoint(served.request.header("Host") or "")
        context = {ENDPOINT_KEY: [endpoint] if endpoint else []}
        if not self._api.policy.decide(Need(INVOKE, arn, lambda: context)).allowed:
            served.authorizer_error = f"User: anonymous is not authorized to perform: {INVOKE} on resource: {arn}"
            body = json.dumps({"Message": served.authorizer_error}).encode()
            return HttpResponse(403, (("Content-Type", "application/json"),), body)
        response = super()._respond(served, stage, path)
        return response if served.route_key else message_response(403, "Missing Authentication Token")

    def _endpoint(self, host: str) -> str | None:
        if self.is_addressed(host):
            return next(iter(self._api.endpoints), None)
        named = re.match(rf"{re.escape(self._api.api_id)}-(vpce-[0-9a-f]+)\.execute-api\.", host)
        return named[1] if named else None

    def _integrate(
        self, request: HttpRequest, api: ApiContext, match: Match, admission: Admission | None
    ) -> HttpResponse:
        event = rest_event(request, api, match, authorizer=admission.context if admission else None)
        try:
            outcome = self._invoke(match.route.function_arn, event, timeout_s=match.route.timeout_s)
        except TimeoutError as error:
            return message_response(504, "Endpoint request timed out", integration_error=str(error))
        except (ThrottledError, FunctionNotFoundError) as error:
            return message_response(500, "Internal server error", integration_error=str(error))
        if outcome.error is not None:
            return _bad_gateway(outcome.payload.decode(errors="replace"))
        response = function_response(outcome.payload)
        if not _is_proxy_response(outcome.payload) or response.integration_error:
            return _bad_gateway(response.integration_error or "the function's response has no statusCode")
        return response

    def _metrics(self) -> tuple[str, str, dict[str, str]]:
        return "4XXError", "5XXError", {"ApiName": self._api.name}


def request_arn(request: HttpRequest, api: ApiContext) -> str:
    path = request.path.removeprefix(f"/{api.stage}")
    return f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/{api.stage}/{request.method}{path}"


def _bad_gateway(reason: str) -> HttpResponse:
    return message_response(502, "Internal server error", integration_error=reason)


def _is_proxy_response(payload: bytes) -> bool:
    try:
        answer = json.loads(payload)
    except ValueError:
        return False
    # The embedded cloud does not support `multiValueHeaders`.
    return isinstance(answer, dict) and "statusCode" in answer and "multiValueHeaders" not in answer


def rest_event(
    request: HttpRequest, api: ApiContext, match: Match, *, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the event of a request. Paths and path parameters are not decoded, and empty parts are null."""
    method, _, resource = match.route.key.partition(" ")
    headers = grouped(request.headers)
    query = grouped(parse_qsl(request.query, keep_blank_values=True))
    body, is_base64 = encoded_body(request.body, request.header("Content-Type")) if request.body else (None, False)
    context: dict[str, Any] = {
        "accountId": api.account,
        "apiId": api.api_id,
        "domainName": request.header("Host"),
        "httpMethod": method,
        "identity": {"sourceIp": request.source_ip, "userAgent": request.header("User-Agent")},
        "path": request.path,
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": f"{request.received.astimezone(UTC):%d/%b/%Y:%H:%M:%S +0000}",
        "requestTimeEpoch": int(request.received.timestamp() * 1000),
        "resourcePath": resource,
        "stage": api.stage,
    }
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return {
        "resource": resource,
        "path": request.path.removeprefix(f"/{api.stage}"),
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in headers.items()} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(match.encoded) or None,
        "stageVariables": dict(api.stage_variables) or None,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": is_base64,
    }


class CognitoAuthorizer(JwtAuthorizer):
    """Authorizer that accepts tokens of a user pool, regardless of their client."""

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        try:
            verified = self.claims(request, match.route.scopes)
        except RefusedError as error:
            raise RefusedError(message_response(401, "Unauthorized"), str(error)) from error
        claims = {
            name: ",".join(map(claim_text, value)) if isinstance(value, list) else claim_text(value)
            for name, value in verified.items()
        }
        return Admission({"claims": claims}, {f"claims.{name}": value for name, value in claims.items()})


class PolicyAuthorizer(LambdaAuthorizer):
    """Lambda authorizer whose response is a policy. A cached policy decides on all requests with the identity."""

    def arn(self, request: HttpRequest, api: ApiContext) -> str:
        return request_arn(request, api)

    def question(self, request: HttpRequest, api: ApiContext, match: Match, identity: Sequence[str]) -> Event:
        event = rest_event(request, api, match)
        event = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
        return {**event, "type": "REQUEST", "methodArn": self.arn(request, api)}

    def decide(self, answer: Any) -> Decision:
        if not isinstance(answer, dict) or "principalId" not in answer or "policyDocument" not in answer:
            raise ValueError("the authorizer's response has no principalId and policyDocument")
        context = answer.get("context") or {}
        if not all(isinstance(value, str | int | float) for value in context.values()):
            raise ValueError("the authorizer's context has values other than strings, numbers and booleans")
        try:
            policy = RolePolicy(answer["policyDocument"]["Statement"])
        except PolicyError as error:
            raise ValueError(str(error)) from error
        context = {name: claim_text(value) for name, value in context.items()}
        return Decision(
            lambda arn: policy.decide(Need(INVOKE, arn)).allowed, {"principalId": str(answer["principalId"]), **context}
        )

    def passed(self, decision: Decision) -> Mapping[str, Any]:
        return {**(decision.context or {}), "integrationLatency": 0}
