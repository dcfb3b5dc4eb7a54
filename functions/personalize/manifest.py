from alsolike.declarations.manifest import CONFIGURATION, MODELS, READ, SIGNING_KEYS, WRITE, Access, Manifest
from alsolike.declarations.storage import OWN_NAMES_KEY

MANIFEST = Manifest(
    description="Serves operations of Amazon Personalize's control plane",
    memory_mb=512,
    timeout_s=20,
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        *MODELS,
        *CONFIGURATION,
        Access("artefacts", READ + WRITE, keys=(OWN_NAMES_KEY,)),
        Access("import_state_machine_arn", ("states:StartExecution",)),
        Access("import_runs", ("states:DescribeExecution",), reason="Each job is an execution with its own name"),
        Access("batch_parameter", ("ssm:GetParameter",)),
        Access("batch_machine", ("states:StartExecution",), needs_function=True),
        Access(
            "batch_runs",
            ("states:DescribeExecution",),
            reason="Each job is an execution with its own name",
            needs_function=True,
        ),
        Access("resources", tuple(f"dynamodb:{call}" for call in ("GetItem", "PutItem", "UpdateItem", "Scan"))),
    ),
)
