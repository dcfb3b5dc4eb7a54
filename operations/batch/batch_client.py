"""Invocations of the function `recommend` for several users per request, with retries."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike.recommendations.recommend_invocations import FOR_ALL
from alsolike.runtime.client_protocols import LambdaClient
from alsolike.runtime.errors import Unavailable

MAX_ATTEMPTS = 6
"""Maximum number of consecutive invocations without a result. botocore makes several attempts per invocation."""
FIRST_PAUSE_S = 0.5

_TRANSIENT = ("TooManyRequestsException", "ServiceException", "SnapStartNotReadyException", "ResourceNotReadyException")


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRequest:
    """Parameters of the request for every user of a batch. Without a filter name, the recommender's filter applies."""

    recommender: str
    k: int
    filter_name: str | None = None
    filter_values: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        return {
            "recommender": self.recommender,
            "numResults": self.k,
            "filter": self.filter_name,
            "filterValues": dict(self.filter_values) or None,
        }


class BatchClient:
    def __init__(
        self,
        lambda_: LambdaClient,
        function: str,
        request: BatchRequest,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._lambda = lambda_
        self._function = function
        self._request = request
        self._stopped = threading.Event()
        self._first_pause_s = first_pause_s

    def recommend(self, users: Sequence[str]) -> list[dict[str, Any]]:
        """Return one result per user: the function's result, or a dictionary with the key `error` and the reason."""
        results: list[dict[str, Any]] = []
        failed_attempts, reason = 0, ""
        while len(results) < len(users) and failed_attempts < MAX_ATTEMPTS and not self._stopped.is_set():
            if failed_attempts:
                longest_s = self._first_pause_s * 2 ** (failed_attempts - 1)
                self._stopped.wait(random.uniform(longest_s / 2, longest_s))  # noqa: S311 - spreads callers in time
            answered, reason = self._invoke(users[len(results) :])
            results += answered
            failed_attempts = 0 if answered else failed_attempts + 1
        return results + [{"error": f"not answered: {reason}"}] * (len(users) - len(results))

    def stop(self) -> None:
        """Stop further invocations and end pauses between retries."""
        self._stopped.set()

    def _invoke(self, users: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
        """Return results, which may end before the last user, and the reason for missing results."""
        event = {"batch": {"users": list(users), **self._request.fields()}}
        try:
            answer = self._lambda.invoke(FunctionName=self._function, Payload=orjson.dumps(event))
            text = answer["Payload"].read()
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if error.response["Error"]["Code"] not in _TRANSIENT and status < 500:
                raise Unavailable(f"function {self._function}: {error}") from error
            return [], str(error)
        except (BotoCoreError, OSError) as error:
            return [], str(error)
        document = orjson.loads(text)
        if "FunctionError" not in answer:
            return document["results"], "the function's time ended before it processed a user"
        kind, message = document.get("errorType", "an error"), document.get("errorMessage", "")
        if kind in FOR_ALL:
            raise FOR_ALL[kind](message)
        return [], f"{kind}: {message}"
