from moto_cloud import REGION, MotoCloud, moto_server
from synthesis import synthesize


def test_hardened_app_is_deployed_completely(tmp_path):
    assembly = synthesize("hardened_shop_app", tmp_path / "cdk.out")
    with moto_server() as endpoint:
        cloud = MotoCloud(endpoint=endpoint, directory=tmp_path / "cloud")
        deployment = cloud.deploy(assembly)
        url = cloud.client("ssm").get_parameter(Name="/shop/url")["Parameter"]["Value"]
        (function,) = (each for each in deployment.of_type("AWS::Lambda::Function") if "Collect" in each.logical_id)
        stored = cloud.client("lambda").get_function_configuration(FunctionName=function.physical_id)

    stacks = [resource.stack for resource in deployment.resources]
    assert stacks == sorted(stacks)
    assert set(stacks) == {"data", "serving"}
    (api,) = deployment.of_type("AWS::ApiGatewayV2::Api")
    assert deployment.outputs["serving"] == {"ApiUrl": api.attributes["ApiEndpoint"]}
    assert url == f"https://{api.physical_id}.execute-api.{REGION}.amazonaws.com/"
    (table,) = deployment.of_type("AWS::DynamoDB::GlobalTable")
    assert stored["Environment"]["Variables"] == {"TABLE": table.physical_id}
