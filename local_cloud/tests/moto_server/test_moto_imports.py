import inspect

import boto3
from moto.ec2.models import availability_zones_and_regions, instance_types
from moto.utilities import utils

from local_cloud.moto_imports import import_ec2


def test_moto_reads_the_omitted_data_at_import() -> None:
    types = inspect.getsource(instance_types)

    assert 'load_resource("ec2/resources/instance_types.json")' in types
    assert 'offerings_path = "resources/instance_type_offerings"' in types
    assert inspect.getsource(availability_zones_and_regions).count("    for region in Session().get_available") == 3


def test_import_replaces_functions_only_temporarily() -> None:
    before = utils.load_resource, boto3.Session

    import_ec2()

    assert (utils.load_resource, boto3.Session) == before
