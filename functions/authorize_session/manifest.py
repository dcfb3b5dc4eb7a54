from alsolike.declarations.manifest import CONFIGURATION, Access, Manifest

MANIFEST = Manifest(
    description="Identifies the sessions of browsers, and issues tokens to pages with a site key",
    memory_mb=256,
    timeout_s=9,  # API Gateway waits for 10 s
    starts_fast=True,
    reserved="reserved_sessions",
    access=(Access("session_key", ("secretsmanager:GetSecretValue",)), *CONFIGURATION),
)
