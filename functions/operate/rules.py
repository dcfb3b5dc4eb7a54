"""The route for previews of rules."""

from __future__ import annotations

from typing import Any

from alsolike.api.operator_requests import PREVIEW
from alsolike.recommendations.preview import ask
from functions.operate.request import OperatorRequest


class RulePreviews:
    """Previews of rules by the function that serves recommendations.

    Parameters
    ----------
    lambda_
        A low-level Lambda client.
    function
        The ARN of `recommend`, with its alias.
    """

    def __init__(self, lambda_: Any, function: str) -> None:
        self._lambda, self._function = lambda_, function

    def preview(self, request: OperatorRequest) -> dict[str, Any]:
        """Return a user's recommendations without and with the rules.

        Raises
        ------
        InvalidInput, NotFound
            If the request is invalid.
        """
        return ask(self._lambda, self._function, request.body(PREVIEW))
