"""Check of the permissions of each request that a role of the templates signs."""

import base64
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local_cloud.deployment import Deployment, Resource
from local_cloud.http_server import HttpResponse
from local_cloud.permissions.encryption import Encryption
from local_cloud.permissions.operations import Parameters, Place, UnknownOperationError, need_of_absence, needs
from local_cloud.permissions.policy import Need, PolicyError, RolePolicy
from local_cloud.permissions.requests import access_denied, decode, signer_of
from local_cloud.permissions.services import lambda_needs
from local_cloud.settings import ACCOUNT_KEY, Mode

_AWS_PREFIX: Final = "arn:aws:iam::aws:policy/"
_WRITE_LOGS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_AWS_POLICIES: Final[Mapping[str, Sequence[str]]] = {
    "service-role/AWSLambdaBasicExecutionRole": _WRITE_LOGS,
    "ReadOnlyAccess": ("cloudformation:Describe*",),
    # AWS Backup runs on AWS only, so its role makes no requests here.
    "service-role/AWSBackupServiceRolePolicyForBackup": ("backup:DescribeBackupVault",),
    "AWSBackupServiceRolePolicyForS3Backup": ("s3:GetBucketVersioning",),
    # The embedded cloud itself writes the access logs.
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs": _WRITE_LOGS,
}
"""Actions that an AWS managed policy allows here on all resources, by name of the policy."""


@dataclass(frozen=True, slots=True)
class _Caller:
    arn: str
    policy: RolePolicy


class PermissionCheck:
    """Decisions on requests by the policies of the roles in templates. Callers with other access keys may do
    everything.

    `report` receives the message of a refusal when the message occurs for the first time.
    """

    def __init__(self, mode: Mode, place: Place, *, report: Callable[[str], None]) -> None:
        self._mode = mode
        self._place = place
        self._report = report
        self._policies: dict[str, RolePolicy] = {}
        self._callers: dict[str, _Caller] = {}
        self._roles: dict[str, Resource] = {}
        self._encryption: Encryption | None = None
        self._lock = threading.Lock()
        self._refused: Counter[str] = Counter()

    def learn(self, deployment: Deployment) -> None:
        """Compile the policies of all roles, and decide on the calls that Lambda makes for functions."""
        if self._mode == "off":
            return
        self._encryption = Encryption(deployment, self._place)
        for role in deployment.of_type("AWS::IAM::Role"):
            self._roles[role.attributes["Arn"]] = role
            self._policies[role.attributes["Arn"]] = _compiled(role, deployment)
        for resource, role_arn, need in lambda_needs(deployment):
            if role_arn not in self._policies:
                continue
            refusal = self.decide(role_arn, [need])
            if refusal is not None and self._enforces(refusal):
                raise resource.refusal(None, refusal)

    def access_key(self, role_arn: str, session: str) -> str:
        """Register a session of a role, and return its access key.

        If the role is unknown or the mode is off, return the account's key.
        """
        policy = self._policies.get(role_arn)
        if policy is None:
            return ACCOUNT_KEY
        digest = hashlib.sha256(f"{role_arn}/{session}".encode()).digest()
        key = f"ASIA{base64.b32encode(digest).decode()[:16]}"
        name = role_arn.rpartition("/")[2]
        caller = f"arn:aws:sts::{self._place.account}:assumed-role/{name}/{session}"
        self._callers[key] = _Caller(caller, policy)
        return key

    def credentials(self, role_arn: str, session: str) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.access_key(role_arn, session)}

    def begin(self, environ: Mapping[str, Any], body: bytes) -> "CheckedRequest | None":
        """Decide on a request. Return None if the caller is not a role of the templates."""
        signer = signer_of(environ)
        caller = self._callers.get(signer.access_key) if signer else None
        if signer is None or caller is None:
            return None
        operation: str = signer.service
        parameters: Parameters = {}
        try:
            operation, parameters = decode(environ, body, signer.service)
            refusal = self._refusal(caller, needs(operation, parameters, self._place))
        except UnknownOperationError as error:
            refusal = f"User: {caller.arn}: {error}"
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            refusal = f"User: {caller.arn}: the parameters of {operation} cannot be read: {error!r}"
        checked = CheckedRequest(self, caller, environ, signer.service, operation, parameters)
        checked.response = checked.refuse(refusal)
        return checked

    def decide(self, role_arn: str, needed: list[Need]) -> str | None:
        """Return the message about a permission that a role lacks, or None if the role has all permissions."""
        return self._refusal(_Caller(role_arn, self._policies[role_arn]), needed)

    def refused(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._refused)

    def grants(self) -> list[dict[str, Any]]:
        return [
            {
                "role": f"{self._roles[arn].stack}/{self._roles[arn].logical_id}",
                "action": action,
                "resources": list(statement.resources),
                "used": action in statement.used,
            }
            for arn, policy in self._policies.items()
            for statement in policy.statements
            if not statement.is_deny
            for action in statement.actions
        ]

    def _refusal(self, caller: _Caller, needed: list[Need]) -> str | None:
        """Return the reason for the first refusal in AWS's wording, or None if all are allowed."""
        for need in self._with_keys(needed):
            decision = caller.policy.decide(need)
            if not decision.allowed:
                on = f" on resource: {need.resource}" if need.resource != "*" else ""
                return f"User: {caller.arn} is not authorized to perform: {need.action}{on} {decision.reason}"
        return None

    def _with_keys(self, needed: list[Need]) -> Iterator[Need]:
        """Yield each permission, followed by the permissions on the key of an encrypted resource."""
        for need in needed:
            yield need
            if self._encryption:
                yield from self._encryption.needs(need)

    def _enforces(self, message: str) -> bool:
        """Record a refusal. Return whether the refusal is the response to the request."""
        with self._lock:
            self._refused[message] += 1
            is_first = self._refused[message] == 1
        if is_first:
            self._report(f"permissions ({self._mode}): {message}")
        return self._mode == "enforce"


@dataclass(slots=True)
class CheckedRequest:
    """Request of a role. `response` is the refusal, or None if moto answers the request."""

    check: PermissionCheck
    caller: _Caller
    environ: Mapping[str, Any]
    service: str
    operation: str
    parameters: Parameters
    response: HttpResponse | None = None

    def refuse(self, message: str | None) -> HttpResponse | None:
        """Return the response to a refused request if refusals are enforced, and None otherwise."""
        if message is None or not self.check._enforces(message):
            return None
        return access_denied(self.environ, message, self.service)

    def refuse_absence(self) -> HttpResponse | None:
        """Return the refusal that replaces a 404 response, or None."""
        need = need_of_absence(self.operation, self.parameters)
        return None if need is None else self.refuse(self.check._refusal(self.caller, [need]))


def _compiled(role: Resource, deployment: Deployment) -> RolePolicy:
    try:
        return RolePolicy(_statements(role, deployment))
    except PolicyError as error:
        raise role.refusal(None, str(error)) from error


def _statements(role: Resource, deployment: Deployment) -> Iterator[Mapping[str, Any]]:
    documents = [policy["PolicyDocument"] for policy in role.properties.get("Policies", ())]
    attached = set(role.properties.get("ManagedPolicyArns", ()))
    for arn in sorted(attached):
        if arn.startswith(_AWS_PREFIX):
            actions = _AWS_POLICIES.get(arn.removeprefix(_AWS_PREFIX))
            if actions is None:
                raise PolicyError(f"the policy {arn} of AWS cannot be decided here")
            yield {"Effect": "Allow", "Action": actions, "Resource": "*"}
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        documents += [
            policy.properties["PolicyDocument"]
            for policy in deployment.of_type(kind)
            if role.physical_id in policy.properties.get("Roles", ()) or policy.physical_id in attached
        ]
    for document in documents:
        statements = document["Statement"]
        yield from [statements] if isinstance(statements, dict) else statements
