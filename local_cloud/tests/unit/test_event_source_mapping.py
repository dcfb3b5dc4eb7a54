import pytest

from local_cloud.deployment import DeploymentError, Resource
from local_cloud.sources.mapping import read_mapping

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:work"


def read(**properties):
    resource = Resource("shop", "Map", "AWS::Lambda::EventSourceMapping", "uuid-1", {}, properties)
    return read_mapping(resource, region="us-east-1", account="123456789012")


def test_defaults_are_those_of_lambda():
    stream = read(EventSourceArn=STREAM, FunctionName="f", StartingPosition="LATEST", MaximumRetryAttempts=-1)
    queue = read(EventSourceArn=QUEUE, FunctionName="f")

    assert (stream.batch_size, stream.max_retries, stream.max_age_s) == (100, None, None)
    assert (queue.batch_size, queue.window_s, queue.partial_responses) == (10, 0.0, False)
    assert stream.function_arn == "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_alias_arn_is_invoked_unchanged():
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f:live"

    assert read(EventSourceArn=QUEUE, FunctionName=arn).function_arn == arn


@pytest.mark.parametrize(("name", "value"), [("ParallelizationFactor", 2), ("TumblingWindowInSeconds", 60)])
def test_unsupported_property_is_refused_with_its_name(name, value):
    with pytest.raises(DeploymentError, match=rf"resource Map .*, property {name}: {value} is not implemented"):
        read(EventSourceArn=STREAM, FunctionName="f", **{name: value})


@pytest.mark.parametrize("value", [1, 0])
def test_unsupported_property_without_an_effect_is_accepted(value):
    name = {1: "ParallelizationFactor", 0: "TumblingWindowInSeconds"}[value]

    assert read(EventSourceArn=STREAM, FunctionName="f", **{name: value}).batch_size == 100


def test_unknown_source_is_refused():
    with pytest.raises(DeploymentError, match="is none of kinesis, dynamodb, sqs"):
        read(EventSourceArn="arn:aws:kafka:us-east-1:1:cluster/c", FunctionName="f")
