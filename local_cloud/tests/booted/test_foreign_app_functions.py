import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from foreign_cloud import eventually


def test_function_has_the_memory_and_deadline_of_its_template(cloud):
    payload, answer = cloud.invoke("FailingFunction", {"kind": "nothing"})

    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert payload["kind"] == "nothing"
    assert payload["memory"] == "192"
    assert 0 < payload["left"] <= 120_000


def test_exception_is_reported_with_its_type_and_message(cloud):
    payload, answer = cloud.invoke("FailingFunction", {"kind": "raise"})

    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "as asked")
    assert any("misbehaving.py" in line for line in payload["stackTrace"])


def test_timeout_ends_the_invocation_and_the_next_one_works(cloud):
    started = time.monotonic()
    payload, answer = cloud.invoke("SleepingFunction", {"kind": "sleep"})
    took_s = time.monotonic() - started

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert 1.0 <= took_s < 60.0
    eventually(lambda: cloud.invoke("SleepingFunction", {"kind": "nothing"})[0].get("kind") == "nothing")


@pytest.mark.parametrize(
    ("function", "kind", "error_type", "message"),
    [
        ("FailingFunction", "exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("FailingFunction", "hog", "Runtime.OutOfMemory", "Error: Runtime exited with error: signal: killed"),
        ("BrokenFunction", "", "RuntimeError", "broken on purpose"),
    ],
)
def test_end_of_the_process_is_a_function_error(cloud, function, kind, error_type, message):
    payload, answer = cloud.invoke(function, {"kind": kind})

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == error_type
    assert payload["errorMessage"].endswith(message)


def test_parallel_invocations_have_separate_processes_and_temp_folders(cloud):
    def places():
        with ThreadPoolExecutor(4) as pool:
            answers = [answer for answer, _ in pool.map(lambda _: cloud.invoke("WhereFunction", {}), range(4))]
        found = {(answer["pid"], answer["tmp"]) for answer in answers}
        return found if len(found) > 1 else set()  # On a busy machine, the invocations may run one after another.

    pids, folders = map(set, zip(*(found := eventually(places)), strict=True))
    assert len(pids) == len(folders) == len(found)


def test_reserved_concurrency_throttles_further_invocations(cloud):
    cloud.invoke("LonelyFunction", {})  # Starts the environment, so that the two calls below overlap.

    def attempt(_):
        try:
            cloud.invoke("LonelyFunction", {})
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    def throttled():
        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(attempt, range(2)))
        counts = cloud.cloud.stats()["functions"][cloud.output("LonelyFunction")]
        return outcomes if "throttles" in counts else []  # On a busy machine, the calls may run one after another.

    # boto3 repeats a throttled call, so the second call may succeed after a retry.
    assert eventually(throttled) in (["TooManyRequestsException", "ok"], ["ok", "ok"])


def test_alias_and_qualifier_invoke_the_published_version(cloud):
    name = cloud.output("WhereFunction")

    by_arn = cloud.client("lambda").invoke(FunctionName=cloud.output("LiveAlias"))
    by_qualifier = cloud.client("lambda").invoke(FunctionName=name, Qualifier="live")
    unqualified = cloud.client("lambda").invoke(FunctionName=name)

    versions = [json.load(answer["Payload"])["version"] for answer in (by_arn, by_qualifier, unqualified)]
    assert versions == ["1", "1", "$LATEST"]
    assert by_qualifier["ExecutedVersion"] == "1"


def test_unknown_qualifier_is_not_found(cloud):
    with pytest.raises(ClientError, match="Function not found"):
        cloud.client("lambda").invoke(FunctionName=cloud.output("WhereFunction"), Qualifier="dead")


def test_failed_event_is_retried_and_sent_to_its_destination(cloud):
    _, answer = cloud.invoke("FailingFunction", {"kind": "count", "who": "destination"}, InvocationType="Event")

    assert answer["StatusCode"] == 202
    message = cloud.messages("Letters", matches=lambda found: '"who": "destination"' in found["Body"])
    record = json.loads(message["Body"])
    # retry_attempts is 1, so there is one invocation and one retry.
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestPayload"] == {"kind": "count", "who": "destination"}
    assert record["responsePayload"]["errorMessage"] == "counted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert cloud.deliveries("fail").count({"kind": "count", "who": "destination"}) == 2


def test_failed_event_is_sent_to_the_dead_letter_queue_after_two_retries(cloud):
    cloud.invoke("DeadLetteredFunction", {"kind": "count", "who": "dead letter"}, InvocationType="Event")

    message = cloud.messages("Letters", matches=lambda found: '"who": "dead letter"' in found["Body"])
    assert json.loads(message["Body"]) == {"kind": "count", "who": "dead letter"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "counted"
    assert cloud.deliveries("fail").count({"kind": "count", "who": "dead letter"}) == 3


def test_function_output_is_logged_between_start_and_report(cloud):
    cloud.invoke("DeadLetteredFunction", {"kind": "log this"})

    lines = cloud.log_lines(f"/aws/lambda/{cloud.output('DeadLetteredFunction')}")
    position = next(index for index, line in enumerate(lines) if "about to log this" in line)
    assert lines[position - 1].startswith("START RequestId: ")
    assert lines[position + 1].startswith("END RequestId: ")
    assert "Max Memory Used: " in lines[position + 2]


def test_embedded_metrics_of_the_log_are_in_cloudwatch(cloud):
    directive = {"Namespace": "Foreign", "Dimensions": [["shop"]], "Metrics": [{"Name": "Baskets", "Unit": "Count"}]}
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    line = json.dumps({"_aws": metadata, "shop": "north", "Baskets": [2, 3]})

    cloud.invoke("DeadLetteredFunction", {"kind": "metric", "line": line})

    assert eventually(lambda: cloud.metric_sum("Foreign", "Baskets", shop="north")) == 2 + 3


def test_status_has_the_source_of_each_layer_package(cloud):
    report = cloud.cloud.state.functions[cloud.output("EchoFunction")]

    sources = {source["package"]: source for source in report["layers"]}
    assert report["runtime_client"] == "awslambdaric"
    assert sources["greeting"]["source"] == "layer"
    assert sources["markupsafe"]["source"] == "environment"
    assert "is built for cpython-399-aarch64-linux-gnu" in sources["markupsafe"]["reason"]


def test_package_for_another_machine_is_imported_from_the_environment(cloud):
    answer = cloud.http("GET", "/answers/1?kind=plain")

    assert answer.json == {"greeting": "hello you", "escaped": "&lt;b&gt;"}


def test_alarm_on_function_errors_is_raised(cloud):
    cloud.invoke("BrokenFunction", {})

    alarms = cloud.cloud.alarms()
    assert alarms[cloud.output("BreaksAlarm")] == alarms[cloud.output("EverythingAlarm")] == "ALARM"
    described = cloud.client("cloudwatch").describe_alarms(AlarmNames=[cloud.output("BreaksAlarm")])
    assert described["MetricAlarms"][0]["StateValue"] == "ALARM"
