"""Changes of invocations: Lambda's API, event source mappings, topics, subscriptions of log groups, and rules."""

import base64
import copy
import gzip
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.dynamodb.models.table import Table
from moto.events.models import Rule
from moto.kinesis.models import Stream
from moto.logs.models import LogStream
from moto.sns.models import Subscription
from moto.sqs.models import Queue

from local_cloud.events.targets import Target
from local_cloud.execution.function import ThrottledError
from local_cloud.moto_changes.change import Change, Runtime, replace, wrapping
from local_cloud.telemetry.filter_patterns import read_pattern

# EventBridge targets that moto serves. The runtime serves all other targets.
_MOTO_TARGETS = ("archive", "api-destination")


def _invoke_functions(runtime: Runtime) -> None:
    """moto runs functions in Docker and knows neither asynchronous invocations nor throttling."""

    def invoke(
        self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        function = self.get_function(function_name, qualifier)
        name = function_name.split(":function:")[-1]
        qualifier = name.partition(":")[2] or qualifier
        arn = f"{function.function_arn.split(':function:')[0]}:function:{function.function_name}"
        arn = f"{arn}:{qualifier}" if qualifier else arn
        payload = (body.encode() if isinstance(body, str) else body) or b"{}"
        kind = headers.get("X-Amz-Invocation-Type") or headers.get("x-amz-invocation-type")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            runtime.invoke_later(arn, payload)
            return b""
        try:
            outcome = runtime.invoke(arn, payload)
        except ThrottledError as error:
            throttled = LambdaClientError("TooManyRequestsException", str(error))
            throttled.code = 429
            raise throttled from error
        if outcome.error is not None:
            response_headers["x-amz-function-error"] = outcome.error
        response_headers["x-amz-executed-version"] = outcome.executed_version
        return outcome.payload

    def invoke_from_service(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        runtime.invoke_later(self.function_arn, body.encode() if isinstance(body, str) else body)
        return b""

    replace(LambdaBackend, "invoke", invoke)
    replace(LambdaFunction, "invoke", invoke_from_service)


def _read_qualifier(runtime: Runtime) -> None:
    """moto expects the Qualifier of Invoke under another name, and ignores it."""

    @wrapping(LambdaResponse, "_get_param")
    def get_param(original: Any, self: Any, name: str, *arguments: Any, **options: Any) -> Any:
        if name == "qualifier":
            return self.querystring.get("Qualifier", [None])[0]
        return original(self, name, *arguments, **options)


class _KafkaMapping(EventSourceMapping):
    """Mapping of a self-managed cluster, which has no ARN."""

    event_source_arn = ""

    def _get_service_source_from_arn(self, event_source_arn: str | None = None) -> str:
        return "kinesis"  # moto does not support Kafka, but Kinesis has the same batch limits

    def get_configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = super().get_configuration()
        del configuration["EventSourceArn"]
        return configuration


def _map_kafka(runtime: Runtime) -> None:
    """moto has no event source mappings of self-managed Kafka."""

    @wrapping(LambdaBackend, "create_event_source_mapping")
    def create(original: Any, self: Any, spec: dict[str, Any]) -> Any:
        if not spec.get("SelfManagedEventSource"):
            return original(self, spec)
        function = self._lambdas.get_function_by_name_or_arn_with_qualifier(spec["FunctionName"])
        place = {"RegionName": self.region_name, "AccountId": self.account_id, "EventSourceArn": ""}
        kind: Any = _KafkaMapping
        mapping = kind({**spec, **place, "FunctionArn": function.function_arn})
        self._event_source_mappings[mapping.uuid] = mapping
        return mapping


def _detach_event_sources(runtime: Runtime) -> None:
    """moto invokes functions of event source mappings within a put, one record at a time; here, pollers do it."""

    for source in (Stream, Queue, Table):
        replace(source, "lambda_event_source_mappings", property(lambda self: {}, lambda self, mappings: None))


def _notify_functions(runtime: Runtime) -> None:
    """moto's notification of a function lacks the topic and the attributes."""

    @wrapping(Subscription, "publish")
    def publish(
        original: Any,
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        matcher = self._filter_policy_matcher
        if self.protocol != "lambda":
            original(self, message, message_id, subject, message_attributes, **options)
        elif matcher is None or matcher.matches(message_attributes, message):
            attributes = {
                name: {"Type": value["Type"], "Value": value["Value"]}
                for name, value in (message_attributes or {}).items()
            }
            if options.get("message_structure") == "json":
                message = self._parse_message_structure(message, self.protocol)
            notification = {
                "Type": "Notification",
                "MessageId": message_id,
                "TopicArn": self.topic.arn,
                "Subject": subject,
                "Message": message,
                "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
                "SignatureVersion": "1",
                "MessageAttributes": attributes,
            }
            record = {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": self.arn,
                "Sns": notification,
            }
            runtime.invoke_later(self.endpoint, json.dumps({"Records": [record]}).encode())


def _filter_subscriptions(runtime: Runtime) -> None:
    """moto sends subscriptions of a log all lines, including those that the pattern excludes, and ignores aliases."""

    @wrapping(LogStream, "_send_log_events")
    def send(
        original: Any, self: Any, service: str, destination_arn: str, filter_name: str, log_events: list[dict[str, Any]]
    ) -> None:
        matches = read_pattern(self.log_group.subscription_filters[filter_name].filter_pattern)
        wanted = [{**event, "id": f"{event['id']:056d}"} for event in log_events if matches(event["message"])]
        if not wanted:
            return
        if service != "lambda":
            original(self, service, destination_arn, filter_name, wanted)
            return
        delivery = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": self.log_group.name,
            "logStream": self.log_stream_name,
            "subscriptionFilters": [filter_name],
            "logEvents": wanted,
        }
        data = base64.b64encode(gzip.compress(json.dumps(delivery).encode())).decode()
        runtime.invoke_later(destination_arn, json.dumps({"awslogs": {"data": data}}).encode())


def _reach_targets(runtime: Runtime) -> None:
    """moto raises for most targets of rules, and matches every event with a rule that has only a schedule."""

    @wrapping(Rule, "send_to_targets")
    def send_to_targets(original: Any, self: Any, original_event: Any, transform_input: bool = True) -> None:
        pattern = self.event_pattern
        if self.state == "DISABLED" or not pattern.get_pattern() or not pattern.matches_event(original_event):
            return
        event = {name: value for name, value in original_event.items() if name != "ingestion-time"}
        event |= {"id": str(uuid.uuid4()), "time": _iso(event.get("time"))}
        left = []
        for target in self.targets:
            service, kind = target["Arn"].split(":")[2], target["Arn"].split(":")[5].split("/")[0]
            if service == "events" and (kind in _MOTO_TARGETS or not kind):
                left.append(target)
            else:
                runtime.send_event(Target(self.arn, target), event)
        if left:
            rule = copy.copy(self)
            rule.targets = left
            original(rule, original_event, transform_input)


def _iso(moment: Any) -> str:
    if isinstance(moment, str) and not moment.replace(".", "").isdigit():
        return moment
    return f"{datetime.fromtimestamp(float(moment or datetime.now(UTC).timestamp()), UTC):%Y-%m-%dT%H:%M:%SZ}"


CHANGES: Final[Sequence[Change]] = (
    _invoke_functions,
    _read_qualifier,
    _detach_event_sources,
    _map_kafka,
    _notify_functions,
    _filter_subscriptions,
    _reach_targets,
)
