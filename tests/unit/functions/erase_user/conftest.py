import orjson
import pytest

MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def machine(aws, artefact_bucket, profiles_table, pseudonyms, set_variables):
    role = "arn:aws:iam::123456789012:role/workflow"
    definition = orjson.dumps(MACHINE).decode()
    made = aws("stepfunctions").create_state_machine(name="erasure", definition=definition, roleArn=role)
    set_variables(STATE_MACHINE_ARN=made["stateMachineArn"])
    return made["stateMachineArn"]
