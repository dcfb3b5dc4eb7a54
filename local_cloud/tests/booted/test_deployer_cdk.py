import pytest

from moto_cloud import ACCOUNT, REGION, MotoCloud, moto_server
from synthesis import synthesize


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    return synthesize("hardened_shop_app", tmp_path_factory.mktemp("shop") / "cdk.out")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with moto_server() as endpoint:
        yield MotoCloud(endpoint=endpoint, directory=tmp_path_factory.mktemp("cloud") / "cdk.out")


@pytest.fixture(scope="module")
def deployment(cloud, assembly):
    return cloud.deploy(assembly)


def one(deployment, resource_type, prefix=""):
    (found,) = (resource for resource in deployment.of_type(resource_type) if resource.logical_id.startswith(prefix))
    return found


def test_hardened_app_is_deployed_completely(deployment, cloud):
    stacks = [resource.stack for resource in deployment.resources]

    assert stacks == sorted(stacks)
    assert set(stacks) == {"data", "serving"}
    api = one(deployment, "AWS::ApiGatewayV2::Api")
    assert deployment.outputs["serving"] == {"ApiUrl": api.attributes["ApiEndpoint"]}
    url = cloud.client("ssm").get_parameter(Name="/shop/url")["Parameter"]["Value"]
    assert url == f"https://{api.physical_id}.execute-api.{REGION}.amazonaws.com/"


def test_function_reads_the_table_of_the_other_stack(deployment, cloud):
    table = one(deployment, "AWS::DynamoDB::GlobalTable")
    function = one(deployment, "AWS::Lambda::Function", "Collect")

    stored = cloud.client("lambda").get_function_configuration(FunctionName=function.physical_id)
    assert stored["Environment"]["Variables"] == {"TABLE": table.physical_id}
    assert stored["Layers"] == []
    (layer,) = function.properties["Layers"]
    assert layer == f"arn:aws:lambda:{REGION}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1"


def test_bucket_that_requires_tls_accepts_objects_locally(deployment, cloud):
    lake = one(deployment, "AWS::S3::Bucket", "Lake").physical_id
    s3 = cloud.client("s3")

    s3.put_object(Bucket=lake, Key="raw/1.json", Body=b"{}")

    assert s3.get_object(Bucket=lake, Key="raw/1.json")["Body"].read() == b"{}"
    assert one(deployment, "AWS::S3::BucketPolicy", "Lake").properties["PolicyDocument"]["Statement"]


def test_stream_mapping_has_the_bucket_as_its_failure_destination(deployment):
    lake = one(deployment, "AWS::S3::Bucket", "Lake")
    stream = one(deployment, "AWS::Kinesis::Stream")
    mappings = deployment.of_type("AWS::Lambda::EventSourceMapping")

    (mapping,) = (mapping for mapping in mappings if mapping.properties["EventSourceArn"] == stream.attributes["Arn"])

    assert mapping.properties["DestinationConfig"]["OnFailure"]["Destination"] == lake.attributes["Arn"]
    assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_assets_are_found_in_the_assembly(deployment, assembly):
    function = one(deployment, "AWS::Lambda::Function", "Collect")

    code = function.properties["Code"]

    assert code["S3Bucket"] == f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    assert (deployment.assets[code["S3Key"]] / "index.py").read_text().startswith("def handler")
    assert deployment.assets[code["S3Key"]].is_relative_to(assembly)
