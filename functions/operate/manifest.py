from alsolike.declarations.manifest import (
    CONFIGURATION,
    LIST,
    MODELS,
    READ,
    SIGNING_KEYS,
    WRITE,
    Access,
    Manifest,
    below,
)
from alsolike.declarations.storage import (
    CONFIGURATION_KEY,
    CONFIGURATION_VERSIONS_PREFIX,
    FORECASTS_PREFIX,
    MODELS_PREFIX,
)

MANIFEST = Manifest(
    description="Lets operators list and promote model versions, roll back, train, refresh metrics, and change rules",
    packages=("configuration",),
    memory_mb=1_024,
    timeout_s=29,  # The API waits 30 s.
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        *MODELS,
        below("artefacts", READ, MODELS_PREFIX, reason="Compares the files of any version with their checksums"),
        *CONFIGURATION,
        Access("artefacts", WRITE, keys=(CONFIGURATION_KEY,)),
        below(
            "artefacts",
            READ + WRITE,
            CONFIGURATION_VERSIONS_PREFIX,
            reason="Each published draft of the rules is a version of the configuration",
        ),
        Access("lake", LIST),  # Without this permission, S3 returns 403 instead of 404.
        below("lake", READ + WRITE, FORECASTS_PREFIX, reason="Each forecast has its own record"),
        Access("session_key", ("secretsmanager:GetSecretValue",)),
        Access("recommend_function", ("lambda:InvokeFunction",)),
        Access("attribute_outcomes_function", ("lambda:InvokeFunction",)),
        Access("monitor_models_function", ("lambda:InvokeFunction",)),
        Access(
            "training_logs",
            ("logs:DescribeLogStreams", "logs:GetLogEvents"),
            reason="SageMaker names the log streams of its jobs",
        ),
    ),
)
