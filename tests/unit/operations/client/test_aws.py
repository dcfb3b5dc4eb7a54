import io

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3 import HTTPResponse

from alsolike.runtime.errors import Unavailable
from operations.client.aws import session_clients


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch, tmp_path):
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_is_read_from_either_variable(monkeypatch, variable):
    monkeypatch.setenv(variable, "eu-west-1")

    assert session_clients()("ssm").meta.region_name == "eu-west-1"


def test_missing_region_error_names_the_variable():
    with pytest.raises(Unavailable, match="Set AWS_REGION"):
        session_clients()("ssm")


def test_region_of_cdk_json_is_used_without_a_configured_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text('{"context": {"environments": {"prod": {"region": "eu-west-3"}}}}')

    assert session_clients(environment="prod")("ssm").meta.region_name == "eu-west-3"
    with pytest.raises(Unavailable, match="or run the command in the folder with the environment's cdk"):
        session_clients(environment="other")("ssm")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert session_clients(environment="prod")("ssm").meta.region_name == "eu-west-1"


def test_client_of_an_embedded_cloud_has_its_endpoint_and_region(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-west-2")

    client = session_clients(embedded="http://127.0.0.1:1", region="eu-west-1")("s3")

    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:1", "eu-west-1")


def test_put_sends_no_expect_header():
    sent: list[AWSPreparedRequest] = []

    def answer(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, HTTPResponse(io.BytesIO(), preload_content=False))

    client = session_clients(embedded="http://127.0.0.1:1", region="eu-west-1")("s3")
    client.meta.events.register("before-send.s3", answer)

    client.put_object(Bucket="lake", Key="key", Body=b"rows")

    assert "Expect" not in sent[0].headers
