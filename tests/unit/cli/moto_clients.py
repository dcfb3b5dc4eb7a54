"""Clients of moto, for what the memory cloud lacks: executed state machines, training jobs, backups of tables."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.unit.cli.shop import REGION


@contextlib.contextmanager
def moto_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Give clients of an empty AWS, which commands find too and which executes state machines."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    clients = functools.cache(session.client)
    monkeypatch.setattr("operations.client.deployment.session_clients", lambda: clients)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield clients
