import json

import pytest

from local_cloud.training.directories import InputError, prepare_directories, split_s3_uri
from local_cloud.training.request import Channel, TrainingRequest
from local_cloud.training.runner import failure_reason

REQUEST = TrainingRequest(
    name="job",
    arn="arn:job",
    role="arn:role",
    entrypoint=["sh"],
    arguments=[],
    image="image",
    hyperparameters={"factors": 64},  # type: ignore[dict-item]
    environment={},
    channels=[Channel("data", "s3://b/k", content_type="text/csv")],
    output_s3_uri="s3://b/out",
    checkpoints_s3_uri=None,
    metrics={},
    max_runtime_s=60,
    instance_type="ml.m5.large",
)


def test_container_directories_have_its_configuration(tmp_path):
    prepare_directories(tmp_path, REQUEST)

    def read(name):
        return json.loads((tmp_path / "input" / "config" / name).read_text())

    assert read("hyperparameters.json") == {"factors": "64"}
    assert read("inputdataconfig.json") == {
        "data": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "text/csv",
        }
    }
    assert read("resourceconfig.json")["hosts"] == ["algo-1"]
    for name in ("model", "output/data", "input/data", "checkpoints"):
        assert (tmp_path / name).is_dir()


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/a/b", ("bucket", "a/b")),
        ("s3://bucket", ("bucket", "")),
        ("https://s3.us-east-1.amazonaws.com/bucket/a/b", ("bucket", "a/b")),
    ],
)
def test_uri_is_split_into_bucket_and_key(uri, parts):
    assert split_s3_uri(uri) == parts


def test_uri_of_another_scheme_is_refused():
    with pytest.raises(InputError, match="'file:///x' is no S3 URI"):
        split_s3_uri("file:///x")


def test_failure_reason_has_the_message_of_the_job_or_its_exit_status(tmp_path):
    file = tmp_path / "failure"

    assert failure_reason(file, 2) == "AlgorithmError: exit code: 2"
    assert failure_reason(file, -9) == "AlgorithmError: killed by signal 9"
    file.write_text("too few items\n")
    assert failure_reason(file, 1) == "AlgorithmError: too few items, exit code: 1"
