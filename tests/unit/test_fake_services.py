"""Operations of other services that the product uses, in memory and on moto."""

import datetime as dt
import functools

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.fakes import MemoryCloud
from tests.fakes.places import REGION

GROUP = "models"


@pytest.fixture(scope="module")
def sessions():
    cloud = MemoryCloud()
    found = {name: boto3.Session("test", "test", region_name=REGION) for name in ("memory", "moto")}
    cloud.attach(found["memory"]._session)
    return cloud, {name: functools.cache(session.client) for name, session in found.items()}


@pytest.fixture(params=["memory", "moto"])
def aws(request, sessions, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if request.param == "moto" and (differs := request.node.get_closest_marker("moto_differs")):
        pytest.skip(f"moto {differs.args[0]}")
    cloud, clients = sessions
    cloud.clear()
    with mock_aws():
        yield clients[request.param]


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def machine(aws):
    return aws("stepfunctions").create_state_machine(
        name="training", definition="{}", roleArn="arn:aws:iam::123456789012:role/training"
    )["stateMachineArn"]


def test_execution_is_started_once_per_name(aws, machine):
    states = aws("stepfunctions")

    arn = states.start_execution(stateMachineArn=machine, name="a", input='{"x": 1}')["executionArn"]

    execution = states.describe_execution(executionArn=arn)
    assert arn == f"{machine.replace(':stateMachine:', ':execution:')}:a"
    assert (execution["status"], execution["name"], execution["input"]) == ("RUNNING", "a", '{"x": 1}')
    assert states.start_execution(stateMachineArn=machine, name="a", input='{"x": 1}')["executionArn"] == arn
    assert refusal(states.start_execution, stateMachineArn=machine, name="a", input='{"x": 2}') == (
        "ExecutionAlreadyExists",
        400,
    )


def test_name_of_an_ended_execution_cannot_be_reused(aws, machine):
    states = aws("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, name="a", input="{}")["executionArn"]
    states.stop_execution(executionArn=arn)

    assert states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert refusal(states.start_execution, stateMachineArn=machine, name="a", input="{}") == (
        "ExecutionAlreadyExists",
        400,
    )


def test_executions_are_listed_by_status(aws, machine):
    states = aws("stepfunctions")
    for name in ("a", "b", "c"):
        states.start_execution(stateMachineArn=machine, name=name)
    states.stop_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:b")

    running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]

    assert sorted(one["name"] for one in running) == ["a", "c"]
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 3
    assert all("input" not in one for one in running)


def test_missing_execution_has_its_own_exception(aws, machine):
    states, arn = aws("stepfunctions"), f"{machine.replace(':stateMachine:', ':execution:')}:absent"

    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.describe_execution(executionArn=arn)
    assert refusal(states.start_execution, stateMachineArn=f"{machine}-absent", name="a") == (
        "StateMachineDoesNotExist",
        400,
    )


@pytest.fixture
def registry(aws):
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    return aws("sagemaker")


def package(registry, version, **properties):
    return registry.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelPackageDescription=version,
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"version": version, **properties},
    )["ModelPackageArn"]


def test_model_packages_are_numbered_and_listed(registry):
    arns = [package(registry, version) for version in ("v1", "v2")]

    pages = registry.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=GROUP, PaginationConfig={"PageSize": 1}
    )
    listed = [one for page in pages for one in page["ModelPackageSummaryList"]]

    assert [one["ModelPackageArn"] for one in listed] == arns  # the oldest first
    assert [one["ModelPackageVersion"] for one in listed] == [1, 2]
    assert [one["ModelPackageDescription"] for one in listed] == ["v1", "v2"]
    assert all("CustomerMetadataProperties" not in one for one in listed)


@pytest.mark.moto_differs("forgets the properties that an update does not name")
def test_update_of_a_model_package_keeps_its_properties(registry):
    arn = package(registry, "v1", algorithm="ease")

    registry.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better")

    described = registry.describe_model_package(ModelPackageName=arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "better")
    assert described["CustomerMetadataProperties"] == {"version": "v1", "algorithm": "ease"}


START = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)


def measure(cloudwatch, statistic, **options):
    """Return pairs of the minutes from `START` to a period, and the period's value."""
    query = {
        "Id": "q",
        "MetricStat": {
            "Metric": {"Namespace": "own", "MetricName": "m", "Dimensions": [{"Name": "service", "Value": "a"}]},
            "Period": 60,
            "Stat": statistic,
        },
    }
    (result,) = cloudwatch.get_metric_data(
        StartTime=START, EndTime=START + dt.timedelta(minutes=5), MetricDataQueries=[query], **options
    )["MetricDataResults"]
    minutes = ((time - START) // dt.timedelta(minutes=1) for time in result["Timestamps"])
    return list(zip(minutes, result["Values"], strict=True))


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        ("Sum", [(0, 3.0), (2, 10.0)]),
        ("Maximum", [(0, 2.0), (2, 10.0)]),
        ("Minimum", [(0, 1.0), (2, 10.0)]),
        ("Average", [(0, 1.5), (2, 10.0)]),
        ("SampleCount", [(0, 2.0), (2, 1.0)]),
        pytest.param("p50", [(0, 1.0), (2, 10.0)], marks=pytest.mark.moto_differs("has no percentiles")),
    ],
)
def test_metric_is_read_per_period(aws, statistic, values):
    cloudwatch = aws("cloudwatch")
    for second, value, service in ((0, 1, "a"), (59, 2, "a"), (120, 10, "a"), (0, 99, "b"), (300, 99, "a")):
        datum = {
            "MetricName": "m",
            "Dimensions": [{"Name": "service", "Value": service}],
            "Timestamp": START + dt.timedelta(seconds=second),
            "Value": value,
        }
        cloudwatch.put_metric_data(Namespace="own", MetricData=[datum])

    assert measure(cloudwatch, statistic, ScanBy="TimestampAscending") == values


def test_alarm_description_has_its_state(aws):
    cloudwatch = aws("cloudwatch")
    for name in ("shop-errors", "other"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"of {name}",
            MetricName="m",
            Namespace="n",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.set_alarm_state(AlarmName="shop-errors", StateValue="ALARM", StateReason="5 errors")

    (alarm,) = cloudwatch.describe_alarms(AlarmNamePrefix="shop", AlarmTypes=["MetricAlarm"])["MetricAlarms"]

    assert (alarm["AlarmName"], alarm["StateValue"], alarm["StateReason"]) == ("shop-errors", "ALARM", "5 errors")
    assert alarm["AlarmDescription"] == "of shop-errors"
    assert refusal(cloudwatch.set_alarm_state, AlarmName="absent", StateValue="OK", StateReason="") == (
        "ResourceNotFound",
        404,
    )


def test_alarm_description_of_an_expression_has_its_metrics(aws):
    cloudwatch = aws("cloudwatch")
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 300, "Stat": "Sum"}
    cloudwatch.put_metric_alarm(
        AlarmName="shop-slow",
        AlarmDescription="slow",
        Metrics=[
            {"Id": "m1", "MetricStat": stat, "ReturnData": False},
            {"Id": "e1", "Expression": "m1 / 2", "Label": "half", "ReturnData": True},
        ],
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    (alarm,) = cloudwatch.describe_alarms(AlarmNamePrefix="shop", AlarmTypes=["MetricAlarm"])["MetricAlarms"]

    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (3, 2, 1)
    assert [(each["Id"], each["ReturnData"]) for each in alarm["Metrics"]] == [("m1", False), ("e1", True)]
    assert alarm["Metrics"][0]["MetricStat"]["Period"] == 300
    assert alarm["Metrics"][1]["Label"] == "half"


def test_template_of_a_missing_stack_is_refused(aws):
    assert refusal(aws("cloudformation").get_template, StackName="absent") == ("ValidationError", 400)


def test_parameters_of_a_path_are_listed_in_pages(aws):
    ssm = aws("ssm")
    for name in ("/shops/one/a", "/shops/two/b", "/shops-of-others/c", *(f"/shops/many/{n:02}" for n in range(12))):
        ssm.put_parameter(Name=name, Value=f"value of {name}", Type="String")

    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/shops", Recursive=True))

    found = {one["Name"]: one["Value"] for page in pages for one in page["Parameters"]}
    assert len(pages) == 2
    assert len(found) == 14
    assert found["/shops/one/a"] == "value of /shops/one/a"


def test_parameter_is_replaced_only_on_request(aws):
    ssm = aws("ssm")
    ssm.put_parameter(Name="/shop/a", Value="1", Type="String")

    refused = refusal(ssm.put_parameter, Name="/shop/a", Value="2", Type="String")
    ssm.put_parameter(Name="/shop/a", Value="3", Type="String", Overwrite=True)

    (parameter,) = ssm.get_parameters_by_path(Path="/shop", Recursive=True)["Parameters"]
    assert (refused, parameter["Value"]) == (("ParameterAlreadyExists", 400), "3")
    assert ssm.get_parameter(Name="/shop/a")["Parameter"]["Value"] == "3"
    assert refusal(ssm.get_parameter, Name="/shop/b") == ("ParameterNotFound", 400)


def test_unknown_event_source_mapping_is_refused(aws):
    unknown = "00000000-1234-4321-9876-0123456789ab"

    assert refusal(aws("lambda").get_event_source_mapping, UUID=unknown) == ("ResourceNotFoundException", 404)


def test_account_without_functions_lists_none(aws):
    assert aws("lambda").list_functions()["Functions"] == []
