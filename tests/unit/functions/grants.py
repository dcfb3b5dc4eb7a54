"""Calls of functions that their manifests do not grant."""

import importlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from alsolike.declarations.manifest import Access, Manifest
from tests.fakes import MemoryCloud
from tests.fakes.cloud import Call

ROOT = Path(__file__).parents[3]
TESTS, FAKES = f"{ROOT}/tests/", f"{ROOT}/tests/fakes/"
API_HANDLER = f"{ROOT}/layers/core/python/alsolike/api/handler.py"
FUNCTION = re.compile(re.escape(f"{ROOT}/functions/") + r"(\w+)/")
SERVICES = {"sfn": "states", "secrets-manager": "secretsmanager"}
"""Prefixes of IAM actions by service, if they differ."""
RESOURCES = {
    "LAKE_BUCKET": "lake",
    "ARTEFACT_BUCKET": "artefacts",
    "PROFILES_TABLE": "profiles",
    "CATALOGUE_TABLE": "catalogue",
    "USERS_TABLE": "users",
    "KEYS_TABLE": "keys",
    "RESOURCES_TABLE": "resources",
}
"""Resources of manifests by the variable with their name."""
OBJECT_ACTIONS = {
    "HeadObject": "GetObject",
    "UploadPart": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "HeadBucket": "ListBucket",
}
"""Actions of S3's calls that bear another name."""

_THREAD = threading.local()

Need = tuple[str, str, str]
"""An action, the name of its bucket or table, and the key of its object; empty for others."""


class Offences:
    """Calls without a grant, as ``function: action resource key``."""

    def __init__(self) -> None:
        self.calls: set[str] = set()

    def watch(self, cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check the calls of a cloud, also those of thread pools, for the rest of a test."""
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
        """Check a call that may be a function's."""
        name = _caller()
        if name is None:
            return
        for action, container, key in needs(call, error):
            if not any(_grants(grant, action, container, key) for grant in _manifest(name)):
                self.calls.add(f"{name}: {action} {container} {key}".strip())


def needs(call: Call, error: str | None) -> Iterator[Need]:
    """Yield the permissions that AWS requires of a call, which ended with an error code or None."""
    service, _, name = call.operation.partition(".")
    request = call.request
    if service == "s3":
        yield from _needs_of_s3(name, request, error)
    elif service == "dynamodb":
        tables = request["RequestItems"] if name.startswith("Batch") else [request["TableName"]]
        yield from ((f"dynamodb:{name}", table, "") for table in tables)
    elif service != "sts":
        yield f"{SERVICES.get(service, service)}:{name}", "", ""


def _needs_of_s3(name: str, request: Any, error: str | None) -> Iterator[Need]:
    bucket, action = request["Bucket"], f"s3:{OBJECT_ACTIONS.get(name, name)}"
    if name == "DeleteObjects":
        for entry in request["Delete"]["Objects"]:
            yield "s3:DeleteObjectVersion" if "VersionId" in entry else "s3:DeleteObject", bucket, entry["Key"]
        return
    if name == "CopyObject":
        source, _, copied = request["CopySource"].partition("/")
        yield "s3:GetObject", source, copied
        action = "s3:PutObject"
    yield action, bucket, request.get("Key", "")
    if action == "s3:PutObject" and "IfMatch" in request:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        yield "s3:GetObject", bucket, request["Key"]
    if action == "s3:GetObject" and error in ("NoSuchKey", "404"):
        yield "s3:ListBucket", bucket, ""  # else S3 answers 403


def _grants(grant: Access, action: str, container: str, key: str) -> bool:
    if action not in grant.actions:
        return False
    named = {os.environ.get(variable): resource for variable, resource in RESOURCES.items()}
    if container in named and named[container] != grant.resource:
        return False
    return any(fnmatchcase(key, pattern) for pattern in grant.keys) if key else not grant.keys


@cache
def _manifest(name: str) -> tuple[Access, ...]:
    manifest: Manifest = importlib.import_module(f"functions.{name}.manifest").MANIFEST
    return manifest.access


def _caller() -> str | None:
    """Return the function whose code made the running call; None if a test did."""
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
