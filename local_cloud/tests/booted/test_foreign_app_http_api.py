def test_request_is_passed_to_the_function_as_a_version_2_payload(cloud):
    answer = cloud.http(
        "PUT",
        "/echo/a%20b/c?x=1&x=2&empty=",
        body=b'{"n": 1}',
        headers={"Content-Type": "application/json", "Cookie": "a=1; b=2", "X-Any": "thing"},
    )

    event = answer.json
    assert answer.status == 200
    assert answer.headers["x-function-arn"].endswith(":live")
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /echo/{proxy+}"
    assert event["rawPath"] == "/echo/a b/c"
    assert event["rawQueryString"] == "x=1&x=2&empty="
    assert event["queryStringParameters"] == {"x": "1,2", "empty": ""}
    assert event["pathParameters"] == {"proxy": "a b/c"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-any"] == "thing"
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert event["requestContext"]["stage"] == "$default"
    assert "authorizer" not in event["requestContext"]


def test_unknown_path_and_method_are_not_found(cloud):
    assert cloud.http("GET", "/nowhere").json == {"message": "Not Found"}
    assert cloud.http("GET", "/nowhere").status == 404
    assert cloud.http("DELETE", "/answers/1").status == 404


def test_binary_response_and_cookies_are_mapped(cloud):
    binary = cloud.http("GET", "/answers/1?kind=binary")
    cookies = cloud.http("GET", "/answers/1?kind=cookies")
    empty = cloud.http("GET", "/answers/1?kind=empty")

    assert (binary.status, binary.body) == (201, bytes(range(256)))
    assert cookies.cookies == ("a=1", "b=2")
    assert cookies.headers["content-type"] == "text/plain;charset=UTF-8"
    assert (empty.status, empty.body) == (204, b"")


def test_failures_of_the_function_are_server_errors(cloud):
    raised = cloud.http("GET", "/answers/1?kind=error")
    malformed = cloud.http("GET", "/answers/1?kind=malformed")
    slow = cloud.http("GET", "/hasty?kind=slow")

    assert (raised.status, raised.json) == (500, {"message": "Internal Server Error"})
    assert (malformed.status, malformed.json) == (500, {"message": "Internal Server Error"})
    assert (slow.status, slow.json) == (503, {"message": "Service Unavailable"})


def test_route_with_scopes_needs_a_valid_token_with_one_of_them(cloud):
    def answer(*scopes, lifetime_s=3_600):
        token = cloud.cloud.token(scopes, lifetime_s=lifetime_s)
        return cloud.http("GET", "/secure", headers={"Authorization": f"Bearer {token}"})

    expired, forbidden, valid = (
        answer("shop/read", lifetime_s=-1),
        answer("shop/write"),
        answer("shop/read", "shop/write"),
    )

    assert (expired.status, expired.json) == (401, {"message": "Unauthorized"})
    assert expired.headers["www-authenticate"].startswith("Bearer")
    assert cloud.http("GET", "/secure").status == 401
    assert (forbidden.status, forbidden.json) == (403, {"message": "Forbidden"})
    assert "insufficient_scope" in forbidden.headers["www-authenticate"]
    jwt = valid.json["requestContext"]["authorizer"]["jwt"]
    assert (valid.status, jwt["claims"]["token_use"], jwt["scopes"]) == (200, "access", ["shop/read"])


def test_cors_headers_are_only_for_allowed_origins(cloud):
    preflight = {"Access-Control-Request-Method": "POST"}

    allowed = cloud.http("OPTIONS", "/echo/x", headers={**preflight, "Origin": "https://shop.example"})
    refused = cloud.http("OPTIONS", "/echo/x", headers={**preflight, "Origin": "https://other.example"})
    answer = cloud.http("POST", "/echo/x", body=b"x", headers={"Origin": "https://shop.example"})

    assert allowed.status == refused.status == 204
    assert allowed.headers["access-control-allow-methods"] == "POST"
    origins = [each.headers.get("access-control-allow-origin") for each in (allowed, refused, answer)]
    assert origins == ["https://shop.example", None, "https://shop.example"]


def test_each_request_has_a_line_in_the_access_log(cloud):
    cloud.http("GET", "/echo/logged")
    cloud.http("GET", "/secure", headers={"Authorization": "Bearer nonsense"})

    lines = cloud.log_lines(cloud.output("AccessLog"))
    assert "ANY /echo/{proxy+} 200 - -" in lines
    assert any(line.startswith("GET /secure 401 the token cannot be verified") for line in lines)


def test_api_address_in_outputs_and_parameters_is_the_local_one(cloud):
    parameter = cloud.client("ssm").get_parameter(Name="/foreign/api")["Parameter"]["Value"]

    assert parameter == cloud.cloud.api_url
    assert cloud.output("ApiUrl") == f"{cloud.cloud.api_url}/"
