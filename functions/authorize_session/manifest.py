"""Manifest of authorize_session."""

from alsolike.declarations.manifest import Access, Manifest

MANIFEST = Manifest(
    description="Says whose session a browser's request belongs to",
    memory_mb=256,
    timeout_s=9,  # API Gateway waits for 10 s
    starts_fast=True,
    reserved="reserved_sessions",
    access=(Access("session_key", ("secretsmanager:GetSecretValue",)),),
)
