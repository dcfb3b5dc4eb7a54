"""Imports of moto and boto3 for a fast start."""

import functools
from typing import Any
from unittest import mock

import botocore.session
from moto.utilities import utils


def import_ec2() -> None:
    """Import moto's EC2, which moto's SSM imports, but omit its instance types, because no resource uses them.

    The instance types take 0.5 s of processor time and 87 MB. All sessions of boto3 then share one cache of service
    descriptions. Without it, moto's sessions that list regions parse the description of EC2 several times.
    """
    sessions: Any = botocore.session
    sessions.create_loader = functools.cache(sessions.create_loader)
    with mock.patch.object(utils, "load_resource", return_value={}):
        import moto.ec2  # noqa: F401
