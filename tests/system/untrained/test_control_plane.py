"""The control plane of Amazon Personalize through the gateway, with boto3."""

import re
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.booted.shop import eventually, personalize_client

ROOT = Path(__file__).parents[3]

AVRO = '{"type": "record", "name": "Interactions", "fields": [{"name": "USER_ID", "type": "string"}]}'


@pytest.fixture
def personalize(shop):
    key = shop.alsolike("keys", "create", "provisioning", "--access", "admin")["environment"]
    yield personalize_client("personalize", key)
    shop.run_alsolike("keys", "delete", key["AWS_ACCESS_KEY_ID"])


def test_documented_upload_is_imported(shop, personalize, tmp_path, monkeypatch):
    (snippet,) = re.findall(r"```python\n(s3 = .*?)```", (ROOT / "docs" / "personalize.md").read_text(), re.S)
    (tmp_path / "interactions.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP\nuploading,item-01,1700000000\n")
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    schema = personalize.create_schema(name="uploads", schema=AVRO)["schemaArn"]
    group = personalize.create_dataset_group(name="uploads")["datasetGroupArn"]
    dataset = personalize.create_dataset(
        name="interactions", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS"
    )["datasetArn"]

    exec(
        snippet.replace("http://127.0.0.1:4600", shop.cloud.endpoint),
        {"boto3": boto3, "personalize": personalize, "dataset": dataset},
    )

    (job,) = personalize.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"]
    ended = eventually(
        lambda: personalize.describe_dataset_import_job(datasetImportJobArn=job["datasetImportJobArn"])[
            "datasetImportJob"
        ],
        holds=lambda found: found["status"] != "CREATE IN_PROGRESS",
    )
    assert ended["status"] == "ACTIVE", ended
    personalize.delete_dataset(datasetArn=dataset)
    personalize.delete_dataset_group(datasetGroupArn=group)


def test_key_without_the_admin_scope_is_refused_by_the_control_plane(shop):
    personalize = shop.personalize("personalize")

    with pytest.raises(ClientError) as caught:
        personalize.list_schemas()

    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
