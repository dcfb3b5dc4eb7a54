"""A faster start: moto's EC2 without large tables, and one cache of service descriptions."""

import functools
from typing import Any
from unittest import mock

import botocore.session
from moto.utilities import utils


def import_ec2() -> None:
    """Import moto's EC2, which moto's SSM imports, without its instance types, their offerings and its images.

    No resource uses these tables. They take about 0.3 s of processor time and 60 MB. The function also gives all
    sessions of boto3 one cache of service descriptions. Otherwise, each session that lists regions parses the
    description of EC2 again.
    """
    sessions: Any = botocore.session
    sessions.create_loader = functools.cache(sessions.create_loader)
    with mock.patch.object(utils, "load_resource", return_value={}):
        import moto.ec2  # noqa: F401
