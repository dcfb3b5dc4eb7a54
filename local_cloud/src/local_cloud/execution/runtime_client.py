"""Client of the Lambda Runtime API in pure Python, for hosts without a wheel of `awslambdaric`.

The client is run by its file name with the handler as argument. It imports only the standard library. Its results and
errors have the form of `awslambdaric`.
"""

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_API = "/2018-06-01/runtime"


class Context:
    client_context = None
    identity = None

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        return max(self._deadline_ms - int(time.time() * 1000), 0)


class Client:
    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[http.client.HTTPMessage, bytes]:
        """Wait for an invocation. Exit if the server is closed."""
        self._connection.request("GET", f"{_API}/invocation/next")
        response = self._connection.getresponse()
        if response.status != 200:
            sys.exit(1)
        return response.headers, response.read()

    def post(self, path: str, body: str) -> None:
        self._connection.request("POST", f"{_API}/{path}", body.encode(), {"Content-Type": "application/json"})
        self._connection.getresponse().read()


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Import the handler `module.function`. Errors have the names that Lambda uses."""
    module_name, _, function_name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise _Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise _Fault("Runtime.UserCodeSyntaxError", message) from error
    try:
        function: Callable[[Any, Context], Any] = getattr(module, function_name)
    except AttributeError as error:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise _Fault("Runtime.HandlerNotFound", message) from error
    return function


def main(handler: str) -> None:
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        function = load(handler)
    except Exception as error:  # noqa: BLE001  any error of a module is an init error
        client.post("init/error", _report(error))
        sys.exit(1)
    while True:
        headers, event = client.next()
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        context = Context(headers)
        path = f"invocation/{context.aws_request_id}"
        try:
            result = json.dumps(function(json.loads(event), context))
        except Exception as error:  # noqa: BLE001  any error of a handler is its result
            client.post(f"{path}/error", _report(error))
        else:
            sys.stdout.flush()
            client.post(f"{path}/response", result)


class _Fault(Exception):
    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def _report(error: Exception) -> str:
    """Write the error to the log as Lambda does, and return the error as JSON."""
    kind = error.kind if isinstance(error, _Fault) else type(error).__name__
    trace = [] if isinstance(error, _Fault) else traceback.format_tb(error.__traceback__)[1:]
    text = "".join(
        ["[ERROR] ", f"{kind}: {error}\n", *(["Traceback (most recent call last):\n", *trace] if trace else [])]
    )
    sys.stderr.write(text.rstrip("\n").replace("\n", "\r") + "\n")
    sys.stderr.flush()
    return json.dumps({"errorMessage": str(error), "errorType": kind, "requestId": "", "stackTrace": trace})


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    main(sys.argv[1])
