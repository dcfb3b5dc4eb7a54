import json

import pytest

from infra_cdk.context import load_settings
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost
from operations.doctor import read_needs
from tests.infra.assembly import flat, listed, templates

PRIMARY, REPLICA = "eu-west-1", "eu-central-1"
DOMAIN = "api.shop.example"
STREAMS = {"replica_streams": True}


def stacks(assembly):
    artifacts = json.loads((assembly.directory / "manifest.json").read_bytes())["artifacts"]
    return {
        (each["environment"].rpartition("/")[2], each["properties"].get("stackName", name)): {"id": name, **each}
        for name, each in artifacts.items()
        if each["type"] == "aws:cloudformation:stack"
    }


def template_of(assembly, artifact):
    return json.loads((assembly.directory / artifact["properties"]["templateFile"]).read_bytes())


def template(assembly, region, part):
    return template_of(assembly, stacks(assembly)[region, f"alsolike-double-{part}"])


def resources_of_type(template, kind):
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def replication_rules(template):
    return {
        bucket["LoggingConfiguration"]["LogFilePrefix"]: bucket["ReplicationConfiguration"]["Rules"]
        for bucket in resources_of_type(template, "AWS::S3::Bucket")
        if "ReplicationConfiguration" in bucket
    }


def replicating(template):
    """Return the destination's region, its output and the prefixes, by the prefix of the bucket's access logs."""
    destinations = {}
    for bucket, rules in replication_rules(template).items():
        (destination,) = {json.dumps(rule["Destination"]["Bucket"]) for rule in rules}
        output = json.loads(destination)["Fn::Join"][1][1]["Fn::GetStackOutput"]
        prefixes = {rule["Filter"]["Prefix"] for rule in rules}
        destinations[bucket] = (output["Region"], output["OutputName"], prefixes)
    return destinations


def test_replica_has_no_training_schedule_pages_or_dashboards(double):
    parts = {name.rpartition("-")[2] for region, name in stacks(double) if region == REPLICA}

    assert parts == {"attribution", "batch", "data", "lake", "observability", "privacy", "serving", "training"}
    for part in parts:
        assert resources_of_type(template(double, REPLICA, part), "AWS::CloudWatch::Dashboard") == []
    rules = [rule for part in parts for rule in resources_of_type(template(double, REPLICA, part), "AWS::Events::Rule")]
    assert [rule for rule in rules if "ScheduleExpression" in rule] == []


def test_replica_functions_equal_those_of_the_primary(double):
    def handlers(region):
        functions = resources_of_type(template(double, region, "serving"), "AWS::Lambda::Function")
        return {function["Handler"] for function in functions}

    assert handlers(PRIMARY) == handlers(REPLICA)


def test_profiles_catalogue_and_users_have_two_replicas(double):
    tables = resources_of_type(template(double, PRIMARY, "data"), "AWS::DynamoDB::GlobalTable")
    two = {
        tuple(key["AttributeName"] for key in table["KeySchema"]): table["StreamSpecification"]["StreamViewType"]
        for table in tables
        if {replica["Region"] for replica in table["Replicas"]} == {PRIMARY, REPLICA}
    }

    assert two == dict.fromkeys([("item_id",), ("profile_id", "sort_key"), ("user_id",)], "NEW_AND_OLD_IMAGES")
    own = resources_of_type(template(double, REPLICA, "data"), "AWS::DynamoDB::GlobalTable")
    assert sorted(table["KeySchema"][0]["AttributeName"] for table in own) == ["key_id", "kind"]


def test_replicated_secrets_are_not_created_twice(double):
    secrets = resources_of_type(template(double, PRIMARY, "data"), "AWS::SecretsManager::Secret")

    assert [replica["Region"] for secret in secrets for replica in secret["ReplicaRegions"]] == [REPLICA] * 2
    assert resources_of_type(template(double, REPLICA, "data"), "AWS::SecretsManager::Secret") == []


def test_buckets_replicate_to_each_other(double):
    there, back = (replicating(template(double, region, "data")) for region in (PRIMARY, REPLICA))

    artefacts = {"catalog/", "config/", "datasets/", "models/", "privacy/forwarded/", "registry/"}
    assert there == {"lake/": (REPLICA, "LakeBucket", {""}), "artefacts/": (REPLICA, "ArtefactBucket", artefacts)}
    assert {name: (region, prefixes) for name, (region, _, prefixes) in back.items()} == {
        "lake/": (PRIMARY, {""}),
        "artefacts/": (PRIMARY, {"catalog/actions.json", "config/", "privacy/forwarded/", "registry/"}),
    }


def test_outputs_that_a_region_reads_exist_in_the_other(single, double):
    def outputs(assembly, region):
        name = assembly.environment if assembly is single else "double"
        return set(template_of(assembly, stacks(assembly)[region, f"alsolike-{name}-data"])["Outputs"])

    def read(region):
        text = "".join(
            (double.directory / each["properties"]["templateFile"]).read_text()
            for (place, _), each in stacks(double).items()
            if place == region
        )
        return {piece.partition('"')[0] for piece in text.replace(" ", "").split('"OutputName":"')[1:]}

    assert read(PRIMARY) == {"ArtefactBucket", "EncryptionKey", "LakeBucket"}
    assert read(PRIMARY) <= outputs(double, REPLICA)
    # The replica's data stack is created before the primary region is updated. So the outputs that the replica reads
    # must exist without a replica.
    assert len(read(REPLICA)) > 5
    assert [name for name in read(REPLICA) - outputs(single, PRIMARY) if "Encryption" not in name] == []


def test_erasures_are_forwarded_only_between_two_regions(single, double):
    def forwarding(stack):
        functions = resources_of_type(stack, "AWS::Lambda::Function")
        variables = [name for each in functions for name in each["Environment"]["Variables"] if "FORWARD" in name]
        rules = resources_of_type(stack, "AWS::Events::Rule")
        return sorted(variables), [rule["EventPattern"]["detail"]["object"]["key"] for rule in rules]

    on = (["FORWARDED_DAYS", "FORWARDS_ERASURES"], [[{"prefix": "privacy/forwarded/"}]])
    for region in (PRIMARY, REPLICA):
        assert forwarding(template(double, region, "privacy")) == on
    privacy = json.loads((single.directory / "alsolike-single-privacy.template.json").read_bytes())
    assert forwarding(privacy) == ([], [])


def test_no_list_is_split_from_an_output_of_another_region(double):
    # CloudFormation accepts Fn::GetStackOutput in Fn::Sub and Fn::Join, but not in Fn::Split.
    for path, found in templates(double.directory):
        assert '"Fn::Split": [":", {"Fn::GetStackOutput"' not in json.dumps(found), path.name


def test_bill_has_the_replica_without_the_load_twice(single, double):
    load = cost.Load(users=10_000, events_per_day=100_000, requests_per_day=50_000, items=10_000)
    one, two = (cost.estimate(cost.read_assembly(each.directory), load) for each in (single, double))

    def line_of(bill, *, service, name):
        return next((line for line in bill.lines if (line.service, line.what) == (service, name)), None)

    second = {line.what for line in two.lines} - {line.what for line in one.lines}
    assert {"shards, second region", "replicated writes", "copies in the second region"} <= second
    assert line_of(one, service="API Gateway", name="calls") == line_of(two, service="API Gateway", name="calls")
    writes = sum(line.quantity for line in one.lines if line.price == "dynamodb_writes")
    assert line_of(two, service="DynamoDB", name="replicated writes").quantity == pytest.approx(writes)
    assert line_of(two, service="CloudWatch", name="replication metrics").quantity == 4 * (1 + 6 + 1 + 4)
    assert line_of(two, service="Secrets Manager", name="replicas of secrets").quantity == 2
    assert two.idle_dollars > one.idle_dollars
    checks = line_of(two, service="API Gateway", name="health checks")
    assert checks.quantity == pytest.approx(1.6 * 730 * 3600)
    assert line_of(two, service="Route 53", name="health checks").dollars == 2.50


def test_doctor_checks_the_primary_and_the_zone_of_the_name(double):
    needs = read_needs(double.directory)

    assert (needs.region, needs.api_name) == (PRIMARY, (DOMAIN, "Z0123456789ABC"))
    assert len(needs.stacks) == len({stack for stack in needs.stacks if stack.startswith("alsolike-double-")})


def test_replica_data_is_deployed_first_and_other_stacks_last(double):
    found = stacks(double)
    data, replica = found[PRIMARY, "alsolike-double-data"], found[REPLICA, "alsolike-double-data"]

    assert replica["id"] in data["dependencies"]
    assert data["id"] in found[REPLICA, "alsolike-double-serving"]["dependencies"]


def test_replication_role_can_write_only_to_its_destination(double):
    policies = resources_of_type(template(double, REPLICA, "data"), "AWS::IAM::Policy")
    (lake,) = [policy for policy in policies if policy["PolicyName"].startswith("LakeBucketReplication")]

    (statement,) = [s for s in lake["PolicyDocument"]["Statement"] if "s3:ReplicateObject" in listed(s["Action"])]
    assert statement["Resource"]["Fn::Join"][1][1]["Fn::GetStackOutput"]["Region"] == PRIMARY


def test_name_leads_to_the_primary_and_after_a_failure_to_the_replica(double):
    check, health = check_and_api(double)

    for region, role in ((PRIMARY, "PRIMARY"), (REPLICA, "SECONDARY")):
        serving = template(double, region, "serving")
        (record,) = resources_of_type(serving, "AWS::Route53::RecordSet")
        (target,) = record["ResourceRecords"]
        domain, attribute = target["Fn::GetAtt"]
        assert (record["Name"], record["Type"], record["TTL"], record["Failover"]) == (DOMAIN, "CNAME", "10", role)
        assert attribute == "RegionalDomainName"
        assert serving["Resources"][domain]["Type"] == "AWS::ApiGatewayV2::DomainName"
        assert record.get("HealthCheckId") == (check if role == "PRIMARY" else None)
    assert health["Name"] == "alsolike-double-health"
    assert resources_of_type(template(double, REPLICA, "serving"), "AWS::Route53::HealthCheck") == []


def check_and_api(double):
    found = template(double, PRIMARY, "serving")
    ((name, check),) = (
        (name, each["Properties"]["HealthCheckConfig"])
        for name, each in found["Resources"].items()
        if each["Type"] == "AWS::Route53::HealthCheck"
    )
    expected = {"Type": "HTTPS", "ResourcePath": "/health", "RequestInterval": 10, "FailureThreshold": 3}
    assert {key: check[key] for key in expected} == expected
    api = check["FullyQualifiedDomainName"]["Fn::Join"][1][0]["Ref"]
    return {"Fn::GetAtt": [name, "HealthCheckId"]}, found["Resources"][api]["Properties"]


def test_domain_of_each_region_has_a_validated_certificate_and_the_api(double):
    for region in (PRIMARY, REPLICA):
        found = template(double, region, "serving")
        (certificate,) = resources_of_type(found, "AWS::CertificateManager::Certificate")
        (domain,) = resources_of_type(found, "AWS::ApiGatewayV2::DomainName")
        (mapping,) = resources_of_type(found, "AWS::ApiGatewayV2::ApiMapping")
        assert certificate["DomainValidationOptions"] == [{"DomainName": DOMAIN, "HostedZoneId": "Z0123456789ABC"}]
        assert (certificate["DomainName"], domain["DomainName"]) == (DOMAIN, DOMAIN)
        assert found["Resources"][mapping["ApiId"]["Ref"]]["Properties"]["Name"] == "alsolike-double"
        assert mapping["Stage"] == "$default"


def test_health_route_is_public_limited_and_in_no_metric_of_the_api(double):
    _, health = check_and_api(double)
    found = template(double, PRIMARY, "serving")
    (api,) = (name for name, each in found["Resources"].items() if each.get("Properties") == health)

    routes = [route for route in resources_of_type(found, "AWS::ApiGatewayV2::Route") if route["ApiId"] == {"Ref": api}]
    assert [(route["RouteKey"], route["AuthorizationType"]) for route in routes] == [("GET /health", "NONE")]
    (stage,) = (s for s in resources_of_type(found, "AWS::ApiGatewayV2::Stage") if s["ApiId"] == {"Ref": api})
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 40, "ThrottlingRateLimit": 20}
    assert "AccessLogSettings" not in stage
    alarms = resources_of_type(template(double, PRIMARY, "observability"), "AWS::CloudWatch::Alarm")
    assert alarms
    assert api not in json.dumps(alarms)


def key_of(region, *, seen_from):
    """Return the reference to the key of `region` in templates of the region `seen_from`."""
    if region == seen_from:
        return {"Fn::GetAtt": ["EncryptionB687BDBB", "Arn"]}
    output = "EncryptionKey" if region == REPLICA else "ExportsOutputFnGetAttEncryptionB687BDBBArnFF36E7EE"
    return {"Fn::GetStackOutput": {"StackName": "alsolike-double-data", "Region": region, "OutputName": output}}


def test_replicas_of_tables_and_secrets_use_the_key_of_their_region(double):
    data = template(double, PRIMARY, "data")

    replicas = [each for table in resources_of_type(data, "AWS::DynamoDB::GlobalTable") for each in table["Replicas"]]
    assert len([replica for replica in replicas if replica["Region"] == REPLICA]) == 3
    for replica in replicas:
        assert replica["SSESpecification"] == {"KMSMasterKeyId": key_of(replica["Region"], seen_from=PRIMARY)}
    for secret in resources_of_type(data, "AWS::SecretsManager::Secret"):
        assert secret["KmsKeyId"] == key_of(PRIMARY, seen_from=PRIMARY)
        assert secret["ReplicaRegions"] == [{"Region": REPLICA, "KmsKeyId": key_of(REPLICA, seen_from=PRIMARY)}]


@pytest.mark.parametrize(("region", "other"), [(PRIMARY, REPLICA), (REPLICA, PRIMARY)])
def test_replication_has_metrics_and_the_key_of_the_other_region(region, other, double):
    data = template(double, region, "data")
    own, foreign = key_of(region, seen_from=region), key_of(other, seen_from=region)

    rules = [rule for rules in replication_rules(data).values() for rule in rules]
    assert rules
    for rule in rules:
        assert rule["Destination"]["Metrics"] == {"Status": "Enabled"}
        assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
        assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": foreign}
        assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    for policy in resources_of_type(data, "AWS::IAM::Policy"):
        on_keys = {
            service(statement): (listed(statement["Action"]), statement["Resource"])
            for statement in policy["PolicyDocument"]["Statement"]
            if "kms:" in str(statement["Action"])
        }
        assert on_keys == {
            f"s3.{region}": (["kms:Decrypt"], own),
            f"s3.{other}": (["kms:Encrypt", "kms:GenerateDataKey"], foreign),
        }


def service(statement):
    return flat(statement["Condition"]["StringEquals"]["kms:ViaService"]).removesuffix(".AWS::URLSuffix")


def test_roles_and_logs_of_each_region_use_only_its_key(double):
    for (region, name), artifact in stacks(double).items():
        if name.endswith("-data"):
            continue
        stack = template_of(double, artifact)
        for group in resources_of_type(stack, "AWS::Logs::LogGroup"):
            assert "Fn::ImportValue" in group["KmsKeyId"], (region, name)
        assert '"EncryptionKey"' not in json.dumps(stack)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (STREAMS | {"replica_region": "moon-1"}, "replica_region is 'moon-1', expected another region"),
        (STREAMS | {"replica_region": ""}, "replica_region is '', expected another region"),
        (STREAMS | {"replica_region": PRIMARY}, "replica_region is 'eu-west-1', expected another"),
        ({"replica_region": REPLICA}, "replica_streams is False, expected true with replica_region"),
        (
            STREAMS | {"replica_region": "ap-east-2", "snap_start": True},
            "snap_start is True, expected false in ap-east-2",
        ),
        (
            STREAMS | {"replica_region": REPLICA, "pandas_layer_arn": "arn:aws:lambda:eu-west-1:1:layer:pandas:1"},
            "pandas_layer_arn is .* expected null with replica_region",
        ),
        (
            STREAMS | {"replica_region": REPLICA, "kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd"},
            "kms_key_arn is .* expected 'create' with replica_region",
        ),
        ({"api_domain": DOMAIN, "api_zone_id": "Z1"}, "api_domain is '.*', expected null without replica_streams"),
        (STREAMS | {"api_domain": DOMAIN}, "api_zone_id is None, expected the ID of a hosted zone"),
        ({"api_zone_id": "Z1"}, "api_zone_id is 'Z1', expected .* null without"),
        (
            STREAMS | {"api_domain": DOMAIN, "api_zone_id": "/hostedzone/Z1"},
            "api_zone_id is '/hostedzone/Z1', expected the ID",
        ),
        (
            STREAMS | {"api_domain": f"https://{DOMAIN}", "api_zone_id": "Z1"},
            "api_domain is 'https.*', expected a host name",
        ),
    ],
)
def test_invalid_replica_setting_is_rejected_with_its_reason(settings, message):
    with pytest.raises(InvalidSettings, match=message):
        load_settings({"shop": {"region": PRIMARY, **settings}}, "shop")


def test_replica_settings_turn_off_what_the_primary_does():
    replica = Settings(name="shop", region=PRIMARY, replica_region=REPLICA, replica_streams=True).replica

    assert (replica.region, replica.replica_region) == (REPLICA, None)
    assert (replica.training_schedule, replica.compaction_schedule, replica.monitoring_schedule) == (None, None, None)
