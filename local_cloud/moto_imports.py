"""Import of moto without the data that takes a third of its time."""

import functools
from typing import Any, Final
from unittest import mock

import boto3
from moto.utilities import utils

_INSTANCE_TYPES: Final = "ec2/resources/instance_type"


def import_ec2() -> None:
    """Import moto's EC2, which its SSM imports, without the instance types of all regions: no resource here has one.

    It asks three new sessions for regions, each of which reads the descriptions of all services. One reads them once.
    """
    load: Any = utils.load_resource

    def load_resource(path: str) -> Any:
        return {} if path.startswith(_INSTANCE_TYPES) else load(path)

    one_session = mock.patch.object(boto3, "Session", functools.cache(boto3.Session))
    with mock.patch.object(utils, "load_resource", load_resource), one_session:
        import moto.ec2  # noqa: F401
