"""Deletion of quarantined objects."""

from types import SimpleNamespace
from typing import Any

import pytest

from alsolike.runtime.errors import Unavailable
from operations.quarantine.store import QuarantineStore


def test_refused_deletion_raises_an_error():
    refused = {"Errors": [{"Key": "quarantine/b", "Message": "Access Denied"}]}
    s3 = SimpleNamespace(delete_objects=lambda **_: refused)
    deployment: Any = SimpleNamespace(client=lambda _: s3, names=SimpleNamespace(lake_bucket="lake"))
    held: Any = [SimpleNamespace(key="quarantine/a"), SimpleNamespace(key="quarantine/b")]

    with pytest.raises(Unavailable, match="s3://lake/quarantine/b cannot be deleted: Access Denied"):
        QuarantineStore(deployment).delete(held)
