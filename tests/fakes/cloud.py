"""Memory cloud: botocore's own clients, with responses that replace the HTTP requests.

Clients keep their parameter checks, paginators, exceptions and event hooks. Calls to fakes need no signing, HTTP and
parsing.

moto, which is slower, responds for the services that have no fake here. With the variable STORES=moto, moto responds
for S3 and DynamoDB too, so that the tests compare both: `make slow WHAT=stores`.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.session import Session
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.kms import models as kms
from moto.kms.utils import generate_private_key

from tests.fakes.cloudwatch import MemoryCloudWatch
from tests.fakes.dynamodb import MemoryDynamoDB
from tests.fakes.s3 import MemoryS3
from tests.fakes.sagemaker import MemorySageMaker
from tests.fakes.service import MemoryService, ServiceError
from tests.fakes.small_services import MemoryCloudFormation, MemoryLambda, MemoryParameters
from tests.fakes.step_functions import MemoryStepFunctions

_REQUEST = "memory_cloud_request"
_MOTO = BotocoreStubber()
_MOTO.enabled = True
# moto generates an RSA key pair for every KMS key, although symmetric keys use none. The generation takes
# longer than most tests, so all keys share one pair.
vars(kms).update(generate_private_key=functools.cache(generate_private_key))
ON_MOTO = os.environ.get("STORES") == "moto"


@dataclasses.dataclass(frozen=True)
class _HttpResponse:
    """The part of an HTTP response that botocore reads after parsing it."""

    status_code: int


class Call(NamedTuple):
    """Operation and parameters of a call."""

    operation: str  # such as "s3.GetObject"
    request: Mapping[str, Any]


class MemoryCloud:
    """All services of one account, empty at first. Calls are atomic, also those of several threads.

    Calls to endpoints outside AWS are sent.

    Attributes
    ----------
    calls
        All calls to AWS since the last `clear`.
    outages
        Errors that calls raise, by operation ("s3.GetObject").
    observer
        Function that receives each call, and the code of the call's error or None.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.observer: Callable[[Call, str | None], None] | None = None
        self.clear()

    def clear(self) -> None:
        BackendDict.reset()
        self.calls: list[Call] = []
        self.outages: dict[str, Exception] = {}
        self.step_functions = MemoryStepFunctions()
        self.sagemaker = MemorySageMaker()
        self.cloudwatch = MemoryCloudWatch()
        self.cloudformation = MemoryCloudFormation()
        self.functions = MemoryLambda()
        self.parameters = MemoryParameters()
        self._services: dict[str, MemoryService] = {
            "sfn": self.step_functions,
            "sagemaker": self.sagemaker,
            "cloudwatch": self.cloudwatch,
            "cloudformation": self.cloudformation,
            "ssm": self.parameters,
            "lambda": self.functions,
        }
        if not ON_MOTO:
            self._services |= {"s3": MemoryS3(), "dynamodb": MemoryDynamoDB()}

    def attach(self, session: Session) -> Session:
        """Respond to the calls of all clients that `session` creates later, and return the session."""
        session.register("provide-client-params", _remember)
        session.register("before-call", self._answer)
        session.register("before-send", self._send)
        session.register("after-call", self._observe)
        return session

    def _answer(
        self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[_HttpResponse, dict[str, Any]] | None:
        if not str(urlsplit(params["url"]).hostname).endswith(".amazonaws.com"):
            return None
        service = model.service_model.service_id.hyphenize()
        call = Call(f"{service}.{model.name}", context[_REQUEST])
        try:
            with self._lock:
                self.calls.append(call)
                if call.operation in self.outages:
                    raise self.outages[call.operation]
                if service not in self._services:
                    return None
                response = self._services[service].call(xform_name(model.name), call.request)
            status = response.pop("HTTPStatusCode", 200)
        except ServiceError as error:
            response, status = error.response, error.status
        headers = response.pop("HTTPHeaders", {})
        metadata = {"RequestId": "memory", "HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": 0}
        return _HttpResponse(status), {**response, "ResponseMetadata": metadata}

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        with self._lock:
            return _MOTO(event_name, request)

    def _observe(self, model: Any, parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        if self.observer is not None:
            call = Call(f"{model.service_model.service_id.hyphenize()}.{model.name}", context[_REQUEST])
            self.observer(call, parsed.get("Error", {}).get("Code"))


def _remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_REQUEST] = params
