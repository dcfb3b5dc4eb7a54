import subprocess
import sys

_SCRIPT = """
from moto.utilities import utils
before = utils.load_resource
from local_cloud.moto_imports import import_ec2
import_ec2()
import boto3
from moto.ec2.models.instance_types import INSTANCE_TYPES
first, second = (boto3.Session()._session.get_component("data_loader") for _ in range(2))
print(INSTANCE_TYPES, utils.load_resource is before, first is second)
"""


def test_import_of_ec2_omits_instance_types_and_shares_descriptions():
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)

    assert ran.stdout == "{} True True\n"
