"""Versions of functions, and the alias through which they are invoked."""

from tests.infra.assembly import FUNCTIONS, flat


def test_live_alias_of_every_function_names_a_published_version(assembly):
    for function in map(assembly.function, FUNCTIONS):
        (alias,) = [alias for alias in aliases(assembly) if of(alias, function)]
        version = assembly.referred(alias.properties["FunctionVersion"], stack=alias.stack)

        assert (alias.properties["Name"], version.type) == ("live", "AWS::Lambda::Version"), function.logical_id
        assert of(version, function), function.logical_id


def test_callers_of_a_function_use_its_alias(assembly):
    permitted = [permission.properties["FunctionName"] for permission in assembly.of_type("AWS::Lambda::Permission")]
    calls = [
        *permitted,
        *(mapping.properties["FunctionName"] for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping")),
        *(i.properties["IntegrationUri"] for i in assembly.of_type("AWS::ApiGatewayV2::Integration")),
    ]

    def is_live(call):
        if isinstance(call, dict) and call.keys() <= {"Ref", "Fn::ImportValue"}:
            stack = assembly.only("AWS::ApiGatewayV2::Api").stack
            own = [alias.logical_id for alias in aliases(assembly)]
            return call.get("Ref") in own or assembly.referred(call, stack=stack).logical_id in own
        return flat(call) == "selected:live"

    # Each integration has at least one permission.
    assert len(permitted) > len(assembly.of_type("AWS::ApiGatewayV2::Integration")) > 0
    assert all(map(is_live, calls))


def aliases(assembly):
    return assembly.of_type("AWS::Lambda::Alias")


def of(resource, function):
    return resource.stack == function.stack and resource.properties["FunctionName"] == {"Ref": function.logical_id}


def test_replaced_versions_are_deleted(assembly):
    """SnapStart is billed for each published version until its deletion."""
    kept = {version.attributes.get("DeletionPolicy", "Delete") for version in assembly.of_type("AWS::Lambda::Version")}

    assert kept == {"Delete"}
