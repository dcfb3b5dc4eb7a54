"""Sender of a change, who is a signed-in operator or the program whose key signed the request."""

from functions.operate.request import OperatorRequest


def test_client_of_a_key_is_the_sender():
    request = OperatorRequest({"signedBy": "ci", "requestContext": {}}, 0, lambda: 1.0)

    assert (request.by, request.signed("new season")) == ("ci", "new season (operator ci)")
