"""The route on which rules are tried."""

from __future__ import annotations

from typing import Any

from alsolike.operate_requests import PREVIEW
from alsolike.recommendation_requests import FOR_YOU, check_subject
from alsolike.rules_preview import ask
from functions.operate.request import Request


class Rules:
    """Rules, tried by the function that answers with them.

    Parameters
    ----------
    lambda_
        A low-level Lambda client.
    function
        The ARN of `recommend`, with its alias.
    """

    def __init__(self, lambda_: Any, function: str) -> None:
        self._lambda, self._function = lambda_, function

    def preview(self, request: Request) -> dict[str, Any]:
        """Return somebody's recommendations without the rules and with them.

        Raises
        ------
        InvalidInput, NotFound
            If what is asked for cannot be answered.
        """
        body = request.body(PREVIEW)
        check_subject(body.get("recommender", FOR_YOU), user_id=body.get("userId"), item_id=body.get("itemId"))
        return ask(self._lambda, self._function, body)
