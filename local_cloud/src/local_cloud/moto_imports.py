"""Import of moto's EC2. It omits data whose loading takes 0.5 s of processor time and 87 MB."""

import functools
from typing import Any, Final
from unittest import mock

import boto3
from moto.utilities import utils

_INSTANCE_TYPES: Final = "ec2/resources/instance_type"


def import_ec2() -> None:
    """Import moto's EC2, which moto's SSM imports, but omit the instance types of all regions. No resource uses them.

    The import creates three sessions to list regions, and each session reads the descriptions of all services. A shared
    session reads the descriptions only once.
    """
    load: Any = utils.load_resource

    def load_resource(path: str) -> Any:
        return {} if path.startswith(_INSTANCE_TYPES) else load(path)

    one_session = mock.patch.object(boto3, "Session", functools.cache(boto3.Session))
    with mock.patch.object(utils, "load_resource", load_resource), one_session:
        import moto.ec2  # noqa: F401
