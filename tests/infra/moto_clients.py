"""Clients of a moto server that accepts the complete template."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudwatch.responses import CloudWatchResponse
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer

from local_cloud.moto_changes.jobs import delete_packages
from local_cloud.moto_changes.stores import store_composite_alarms

ACCOUNT, REGION = "123456789012", "us-east-1"

Clients = Callable[[str], Any]


@contextmanager
def moto_clients() -> Iterator[Clients]:
    """Yield clients of moto with those changes of the embedded cloud that the template needs.

    The changes end with the context.
    """
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    session = boto3.Session("test", "test", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=f"http://{host}:{port}")

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in (
            (CloudFormationResponse, ("get_template", "describe_stacks", "list_stack_resources", "delete_stack")),
            (CloudWatchResponse, ("put_composite_alarm",)),
            (SageMakerResponse, ("delete_model_package", "delete_model_package_group")),
        ):
            for name in names:
                patch.setattr(owner, name, getattr(owner, name, None), raising=False)
        store_composite_alarms()
        delete_packages()
        yield client
    server.stop()
