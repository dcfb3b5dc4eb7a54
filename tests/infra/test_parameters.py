import dataclasses

from alsolike.declarations.parameters import Names, parameter_name
from tests.infra.assembly import flat

ONLY_WITH_A_SETTING = {"kms_key_arn"}


def test_parameters_contain_every_client_name(assembly):
    environment = assembly.resources[0].stack.split("-")[1]

    names = [parameter.properties["Name"] for parameter in assembly.of_type("AWS::SSM::Parameter")]

    fields = {field.name for field in dataclasses.fields(Names)} - ONLY_WITH_A_SETTING
    assert sorted(names) == sorted(parameter_name(environment, field) for field in fields)


def test_parameter_values_are_the_resource_names(demo):
    values = {
        parameter.properties["Name"].rsplit("/", 1)[1]: flat(parameter.properties["Value"])
        for parameter in demo.of_type("AWS::SSM::Parameter")
    }

    assert values["region"] == "us-east-1"
    assert (values["glue-database"], values["glue-table"]) == ("alsolike_demo", "interactions")
    assert values["tracking-id"] == "alsolike-demo"
    prefix = "arn:aws:personalize:us-east-1:AWS::AccountId:dataset/alsolike-demo/"
    assert values["items-dataset-arn"] == f"{prefix}ITEMS"
    assert values["users-dataset-arn"] == f"{prefix}USERS"
    assert values["api-url"] == f"{demo.only('AWS::ApiGatewayV2::Api').logical_id}.ApiEndpoint"
    domain = demo.only("AWS::Cognito::UserPoolDomain").logical_id
    assert values["web-client-id"] == demo.only("AWS::Cognito::UserPoolClient").logical_id
    assert values["sign-in-url"] == f"https://{domain}.auth.us-east-1.amazoncognito.com"
    assert values["web-url"] == f"https://{demo.only('AWS::CloudFront::Distribution').logical_id}.DomainName"
    assert values["user-pool-id"] == demo.only("AWS::Cognito::UserPool").logical_id
    assert values["keys-encryption-arn"] in {f"{key.logical_id}.Arn" for key in demo.of_type("AWS::KMS::Key")}
    assert values["stream-name"] == demo.only("AWS::Kinesis::Stream").logical_id
    assert values["state-machine-arn"] == demo.state_machine("training").logical_id
    assert values["erasure-state-machine-arn"] == demo.state_machine("privacy").logical_id
    assert values["pseudonymise-ids"] == "0"
    assert values["alerts-topic-arn"] == demo.only("AWS::SNS::Topic").logical_id
    group = demo.only("AWS::SageMaker::ModelPackageGroup")
    assert values["model-package-group"] == group.properties["ModelPackageGroupName"] == "alsolike-demo"
