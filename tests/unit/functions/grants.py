"""Calls of functions that their manifests do not grant."""

import importlib
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from alsolike.declarations.manifest import Access, Manifest
from local_cloud.permissions.operations import Place, need_of_absence, needs
from local_cloud.permissions.policy import Need
from tests.fakes import MemoryCloud
from tests.fakes.cloud import Call

ROOT = Path(__file__).parents[3]
TESTS, FAKES = f"{ROOT}/tests/", f"{ROOT}/tests/fakes/"
API_HANDLER = f"{ROOT}/layers/core/python/alsolike/api/handler.py"
FUNCTION = re.compile(re.escape(f"{ROOT}/functions/") + r"(\w+)/")
SERVICES = {"sfn": "states", "secrets-manager": "secretsmanager", "cognito-identity-provider": "cognito-idp"}
"""Prefixes of IAM actions that differ from the service name."""
RESOURCES = {
    "LAKE_BUCKET": "lake",
    "ARTEFACT_BUCKET": "artefacts",
    "PROFILES_TABLE": "profiles",
    "CATALOGUE_TABLE": "catalogue",
    "USERS_TABLE": "users",
    "KEYS_TABLE": "keys",
    "RESOURCES_TABLE": "resources",
    "WEB_BUCKET": "pages",
}
"""Resource in manifests by the environment variable that contains the resource's name."""
PLACE = Place(region="us-east-1", account="123456789012")
STORED = re.compile(r"arn:aws:(?:s3:::|dynamodb:.*:table/)([^/]+)/?(.*)")
"""Pattern of the ARN of a bucket or table, with an optional object key."""

_THREAD = threading.local()


class Offences:
    """Calls without a grant, as ``function: action resource key``."""

    def __init__(self) -> None:
        self.calls: set[str] = set()

    def watch(self, cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check the calls of a cloud until the end of the test, including calls in thread pools."""
        submit = ThreadPoolExecutor.submit

        def submit_as_caller(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            caller = _caller()

            def run(*args: Any, **kwargs: Any) -> Any:
                _THREAD.caller = caller
                return work(*args, **kwargs)

            return submit(pool, run, *args, **kwargs)

        monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_as_caller)
        monkeypatch.setattr(cloud, "observer", self.observe)

    def observe(self, call: Call, error: str | None) -> None:
        """Record a call without a grant, if a function made it."""
        name = _caller()
        if name is None:
            return
        for need in needs_of_call(call, error):
            if not any(_grants(grant, need) for grant in _manifest(name)):
                self.calls.add(" ".join((f"{name}: {need.action}", *_stored(need.resource))).strip())


def needs_of_call(call: Call, error: str | None) -> list[Need]:
    """Return the permissions that AWS requires for a call. `error` is the error code of the call, or None."""
    service, _, name = call.operation.partition(".")
    operation = f"{SERVICES.get(service, service)}:{name}"
    needed = needs(operation, call.request, PLACE)
    absence = need_of_absence(operation, call.request) if error in ("NoSuchKey", "404") else None
    return needed if absence is None else [*needed, absence]


def _stored(resource: str) -> tuple[str, str]:
    """Return the bucket or table and the object key of an ARN. Both are empty for other resources."""
    match = STORED.fullmatch(resource)
    return (match[1], match[2]) if match else ("", "")


def _grants(grant: Access, need: Need) -> bool:
    if need.action not in grant.actions:
        return False
    container, key = _stored(need.resource)
    named = {os.environ.get(variable): resource for variable, resource in RESOURCES.items()}
    if container in named and named[container] != grant.resource:
        return False
    if grant.attributes and not set(need.context()["dynamodb:Attributes"]) <= set(grant.attributes):
        return False
    return any(fnmatchcase(key, pattern) for pattern in grant.keys) if key else not grant.keys


@cache
def _manifest(name: str) -> tuple[Access, ...]:
    manifest: Manifest = importlib.import_module(f"functions.{name}.manifest").MANIFEST
    return manifest.access


def _caller() -> str | None:
    """Return the function whose code made the current call, or None if a test made it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if function := FUNCTION.match(path):
            return function[1]
        if path == API_HANDLER and frame.f_code.co_name == "answering":
            package, _, name = str(frame.f_locals["handler"].__module__).partition(".")
            return name.partition(".")[0] if package == "functions" else None
        if path.startswith(TESTS) and not path.startswith(FAKES) and path != __file__:
            return None
        frame = frame.f_back
    return getattr(_THREAD, "caller", None)
