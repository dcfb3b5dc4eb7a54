import json

from moto_cloud import ACCOUNT, REGION, MotoCloud


def test_table_of_the_glue_catalogue_has_its_columns(cloud: MotoCloud) -> None:
    database = {
        "Type": "AWS::Glue::Database",
        "Properties": {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Description": "lake"}},
    }
    table_input = {
        "Name": "interactions",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": "event_date", "Type": "date"}],
        "StorageDescriptor": {
            "Location": "s3://lake/interactions/",
            "Columns": [{"Name": "item_id", "Type": "string"}],
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }
    table = {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "Database"},
            "TableInput": table_input,
        },
    }

    deployment = cloud.deploy_template({"Resources": {"Database": database, "Table": table}})

    created, _ = deployment.resources
    stored = cloud.client("glue").get_table(DatabaseName=created.physical_id, Name="interactions")["Table"]
    assert {name: stored[name] for name in table_input} == table_input
    assert created.physical_id == created.physical_id.lower()


def test_glue_security_configuration_has_its_encryption(cloud: MotoCloud) -> None:
    s3 = [{"S3EncryptionMode": "SSE-S3"}]
    logs = {"CloudWatchEncryptionMode": "DISABLED"}

    configuration = cloud.create(
        "AWS::Glue::SecurityConfiguration",
        Name="lake",
        EncryptionConfiguration={"S3Encryptions": s3, "CloudWatchEncryption": logs},
    )

    stored = cloud.client("glue").get_security_configuration(Name=configuration.physical_id)
    encryption = stored["SecurityConfiguration"]["EncryptionConfiguration"]
    assert (encryption["S3Encryption"], encryption["CloudWatchEncryption"]) == (s3, logs)


def test_model_package_group_exists(cloud: MotoCloud) -> None:
    group = cloud.create(
        "AWS::SageMaker::ModelPackageGroup",
        ModelPackageGroupName="ranking",
        ModelPackageGroupDescription="Ranking models",
    )

    stored = cloud.client("sagemaker").describe_model_package_group(ModelPackageGroupName="ranking")
    assert stored["ModelPackageGroupArn"] == group.physical_id
    assert stored["ModelPackageGroupDescription"] == "Ranking models"


def test_ssm_parameter_has_its_value(cloud: MotoCloud) -> None:
    parameter = cloud.create(
        "AWS::SSM::Parameter", Name="/shop/url", Type="String", Value="https://shop", Tags={"team": "shop"}
    )

    ssm = cloud.client("ssm")
    assert ssm.get_parameter(Name=parameter.physical_id)["Parameter"]["Value"] == "https://shop"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/shop/url")["TagList"]
    assert tags == [{"Key": "team", "Value": "shop"}]


def test_alarm_of_a_metric_expression_has_its_settings(cloud: MotoCloud) -> None:
    metric = {"Namespace": "Shop", "MetricName": "Age", "Dimensions": [{"Name": "stream", "Value": "events"}]}
    metrics = [
        {"Id": "seconds", "Expression": "age / 1000", "ReturnData": True},
        {"Id": "age", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}, "ReturnData": False},
    ]

    alarm = cloud.create(
        "AWS::CloudWatch::Alarm",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        TreatMissingData="notBreaching",
        AlarmActions=[f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"],
        Metrics=metrics,
    )

    described = cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm.physical_id])
    (stored,) = described["MetricAlarms"]
    assert stored["Metrics"] == metrics
    assert (stored["Threshold"], stored["DatapointsToAlarm"]) == (60, 2)
    assert stored["TreatMissingData"] == "notBreaching"
    assert stored["AlarmArn"] == alarm.attributes["Arn"]


def test_dashboard_has_its_body(cloud: MotoCloud) -> None:
    body = json.dumps({"widgets": []})

    dashboard = cloud.create("AWS::CloudWatch::Dashboard", DashboardBody=body)

    stored = cloud.client("cloudwatch").get_dashboard(DashboardName=dashboard.physical_id)
    assert json.loads(stored["DashboardBody"]) == {"widgets": []}
