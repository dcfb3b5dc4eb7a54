"""Alarms: expressions, datapoints, and notifications of state changes."""

import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.alarms.alarm import read_alarm
from local_cloud.alarms.expressions import read_math, read_rule
from local_cloud.alarms.series import SeriesStore, series_of
from local_cloud.alarms.watch import AlarmWatch
from local_cloud.delivery import Delivery
from local_cloud.deployment import DeploymentError
from local_cloud.metric_store import MetricStore

START = datetime(2026, 3, 1, tzinfo=UTC)
ERRORS: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "shop"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def pass_s(self, seconds):
        self.now += timedelta(seconds=seconds)


def datum(name, value, **dimensions):
    return {
        "MetricName": name,
        "Value": value,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
    }


@pytest.mark.parametrize(
    ("expression", "values", "result"),
    [
        ("IF(bad >= 5, 100 * bad / (bad + FILL(good, 0)), 0)", {"bad": 5.0, "good": 15.0}, 25.0),
        ("IF(bad >= 5, 100 * bad / (bad + FILL(good, 0)), 0)", {"bad": 5.0, "good": None}, 100.0),
        ("IF(bad >= 5, 100 * bad / (bad + FILL(good, 0)), 0)", {"bad": 4.0, "good": None}, 0.0),
        ("IF(bad >= 5, 100 * bad / (bad + FILL(good, 0)), 0)", {"bad": None, "good": 3.0}, None),
        ("SUM([a, b])", {"a": 1.0, "b": None}, 1.0),
        ("MAX([a, b]) - MIN([a, b]) + AVG([a, b])", {"a": 1.0, "b": 3.0}, 4.0),
        ("a / b", {"a": 1.0, "b": 0.0}, None),
        ("a > 1 && b > 1 || a == 0", {"a": 0.0, "b": 0.0}, 1.0),
        ("-ABS(a) * 2", {"a": -3.0}, -6.0),
    ],
)
def test_expressions_are_evaluated_as_metric_math(expression, values, result):
    assert read_math(expression)(values) == result


@pytest.mark.parametrize(
    "expression",
    [
        "ANOMALY_DETECTION_BAND(a)", "a if b else c", "a.b", "IF(a)", "a %% 2", "RATE(a)", "not a", "+a", "a < b < c",
        "a in b", "a + 'b'", "[a, b]", "ABS([a, b])", "IF(a, [b], c)", "FILL(a, b, c=1)", "(a)(b)", "a ** 2",
    ],
)  # fmt: skip
def test_unsupported_expressions_are_refused(expression):
    with pytest.raises(ValueError, match=r"is not implemented here|cannot be read"):
        read_math(expression)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_statistics_equal_those_of_the_values(values):
    series = series_of("Shop", "Took", [])
    store = SeriesStore({series: timedelta(hours=1)})
    for value in values:
        store.take(series, [(value, 1)], START)

    def statistic(name):
        return store.statistic(series, name, start=START - timedelta(minutes=1), end=START)

    assert statistic("Sum") == pytest.approx(sum(values))
    assert statistic("SampleCount") == len(values)
    assert statistic("Average") == pytest.approx(sum(values) / len(values))
    assert (statistic("Minimum"), statistic("Maximum")) == (min(values), max(values))
    assert statistic("p100") == max(values)
    assert sorted(values)[(len(values) - 1) // 2] == statistic("p50")


def test_samples_of_a_datum_are_counted_and_expire():
    clock, series = Clock(), series_of("Shop", "Took", [])
    store = SeriesStore({series: timedelta(minutes=5)})
    store.take(series, [(1.0, 3.0), (4.0, 1.0)], clock.now)

    def total():
        return store.statistic(series, "Sum", start=clock.now - timedelta(minutes=5), end=clock.now)

    assert total() == 7.0
    clock.pass_s(301)
    assert total() is None


def test_memory_of_samples_depends_only_on_the_watched_time():
    clock, series = Clock(), series_of("Shop", "Took", [])
    store = SeriesStore({series: timedelta(minutes=5)})
    sizes = []
    for _ in range(15):
        for number in range(2_000):
            clock.pass_s(0.03)
            store.take(series, [(number / 7, 1)], clock.now)
        sizes.append(len(pickle.dumps(store._periods)))

    assert max(sizes[:10]) == max(sizes) < 500_000
    start = clock.now - timedelta(minutes=1)
    assert store.statistic(series, "SampleCount", start=start, end=clock.now) == pytest.approx(2_000, rel=0.06)
    assert store.statistic(series, "p50", start=start, end=clock.now) == pytest.approx(1_000 / 7, rel=0.01)


@pytest.mark.parametrize(
    ("points", "missing", "state"),
    [
        ([2.0, 0.0, 2.0], "missing", "ALARM"),
        ([2.0, 0.0, None], "missing", "OK"),
        ([2.0, None, None], "breaching", "ALARM"),
        ([2.0, None, None], "notBreaching", "OK"),
        ([None, None, None], "missing", "INSUFFICIENT_DATA"),
        ([None, None, None], "notBreaching", "OK"),
        ([None, None, None], "breaching", "ALARM"),
        ([None, None, None], "ignore", None),
    ],
)
def test_alarm_state_depends_on_datapoints_and_missing_data(points, missing, state):
    alarm = read_alarm(
        "a", {**ERRORS, "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 1, "TreatMissingData": missing}
    )

    judged = alarm.state_of(points)

    assert (judged[0] if judged else None) == state


def alarm_of(**expressions):
    """Return the properties of an alarm on the first expression. The metric `errors` is the last query."""
    metric = {name: ERRORS[name] for name in ("Namespace", "MetricName", "Dimensions")}
    queries = [
        {"Id": name, "Expression": expression, "ReturnData": not number}
        for number, (name, expression) in enumerate(expressions.items())
    ]
    errors = {
        "Id": "errors", "MetricStat": {"Metric": metric, "Stat": "Sum", "Period": 300}, "ReturnData": False,
    }  # fmt: skip
    rest = {name: value for name, value in ERRORS.items() if name not in (*metric, "Statistic", "Period")}
    return {**rest, "Metrics": [*queries, errors]}


def test_returned_expression_uses_a_later_expression():
    alarm = read_alarm("a", alarm_of(percent="100 * FILL(share, 0)", share="errors / 4"))
    store = SeriesStore(alarm.watched)
    store.take(series_of("AWS/Lambda", "Errors", ERRORS["Dimensions"]), [(1.0, 1)], START)

    judged = alarm.judge(store, now=START)

    assert judged is not None
    assert judged[0] == "ALARM"
    assert judged[1].endswith("Values, the latest first: 25.")


@pytest.mark.parametrize(
    ("expressions", "problem"),
    [
        ({"share": "errors / requests"}, "no query has the ID 'requests'"),
        ({"a": "b + errors", "b": "a"}, "the expressions a, b refer to each other"),
        ({"a": "a + 1"}, "the expressions a refer to each other"),
    ],
)
def test_alarm_with_unknown_or_circular_ids_is_refused(expressions, problem):
    with pytest.raises(ValueError, match=problem):
        read_alarm("a", alarm_of(**expressions))


ARN = "arn:aws:cloudwatch:eu-west-1:1:alarm:b"


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (f'(ALARM("a") OR ALARM("{ARN}"))', True),
        (f'ALARM(a) AND NOT OK("{ARN}")', None),
        (f'ALARM("a") AND NOT OK("{ARN}")', False),
        ('INSUFFICIENT_DATA("c") AND TRUE', True),
        ('ALARM("a") AND (FALSE OR OK("AND OR"))', True),
        ('SILENT("a")', None),
        ('ALARM("a") AND', None),
    ],
)
def test_composite_alarm_rules_use_the_states_of_other_alarms(rule, holds):
    states = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA", "AND OR": "OK"}
    if holds is None:
        with pytest.raises(ValueError, match=r"AlarmRule"):
            read_rule(rule)
    else:
        assert read_rule(rule)(states.__getitem__) is holds


@pytest.fixture
def clock():
    return Clock()


class Watched:
    """Alarm on a function's errors, which notifies a queue through a topic."""

    def __init__(self, cloud, clock, **properties):
        self.sqs, self.clock, self.client = cloud.client("sqs"), clock, cloud.client
        topic = cloud.client("sns").create_topic(Name="alerts")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="notified")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        alarm = {**ERRORS, "AlarmActions": [topic], "OKActions": [topic], **properties}
        deployment = cloud.deploy_template(
            {"Resources": {"Bad": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}}
        )
        (resource,) = deployment.resources
        self.name = resource.physical_id
        self.watch = AlarmWatch(
            deployment,
            clients=cloud.client,
            delivery=Delivery(cloud.client, invoke_later=lambda arn, payload: None),
            now=clock,
            report=print,
        )
        self.metrics = MetricStore()
        self.metrics.watch(self.watch.take)

    def fail(self):
        self.metrics.put("AWS/Lambda", [datum("Errors", 1, FunctionName="shop")])

    def state(self):
        (alarm,) = self.client("cloudwatch").describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def notifications(self):
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


@pytest.fixture
def watched(cloud, clock):
    found = Watched(cloud, clock)
    yield found
    found.watch.close()


def test_failure_alarms_once_and_recovers_after_its_period(watched, clock):
    assert watched.watch.evaluate() == {watched.name: "OK"}
    watched.fail()
    watched.watch.evaluate()
    watched.watch.evaluate()

    (message,) = watched.notifications()
    assert (message["NewStateValue"], message["OldStateValue"], message["AlarmName"]) == ("ALARM", "OK", watched.name)
    assert message["NewStateReason"] == (
        "The metric was above 0 in 1 of the latest period; the alarm needs 1. Values, the latest first: 1."
    )
    assert watched.state() == "ALARM"

    clock.pass_s(301)
    assert watched.watch.evaluate() == {watched.name: "OK"}
    assert [message["NewStateValue"] for message in watched.notifications()] == ["OK"]
    assert watched.state() == "OK"


def test_failure_of_another_function_is_ignored(watched):
    others = [{"FunctionName": "other"}, {"FunctionName": "shop", "Resource": "shop:live"}]
    watched.metrics.put("AWS/Lambda", [datum("Errors", 1, **dimensions) for dimensions in others])

    assert watched.watch.evaluate() == {watched.name: "OK"}


def test_disabled_actions_are_not_taken(watched):
    watched.client("cloudwatch").disable_alarm_actions(AlarmNames=[watched.name])
    watched.fail()

    assert watched.watch.evaluate() == {watched.name: "ALARM"}
    assert watched.notifications() == []


UNIT = {"Metric": {"Namespace": "Shop", "MetricName": "Size"}, "Stat": "Sum", "Period": 60, "Unit": "Bytes"}


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "ComparisonOperator 'LessThanLowerThreshold' is not"),
        ({"Unit": "Bytes"}, "Unit 'Bytes' selects no metrics here"),
        ({"Metrics": [{"Id": "m", "MetricStat": UNIT, "ReturnData": True}]}, "Unit 'Bytes' selects no metrics here"),
    ],
)
def test_unsupported_alarm_is_refused_with_its_property(cloud, clock, properties, problem):
    with pytest.raises(DeploymentError, match=f"resource Bad .*: {problem}"):
        Watched(cloud, clock, **properties)
