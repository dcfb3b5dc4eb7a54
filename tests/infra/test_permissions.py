"""Permissions of each function: the access in its manifest, which its code must use.

`tests/unit/functions` fails if a function makes a call that its manifest does not grant for this bucket or table and
key.
"""

from botocore import xform_name

from alsolike.declarations.manifest import SIGNING_KEYS
from alsolike.declarations.routes import SIGNED_ROUTES
from infra_cdk.constructs.python_function import read_manifest
from tests.infra.assembly import FUNCTIONS, flat, granted, statements
from tests.infra.imports import words

OWN_OUTPUT = {"logs:CreateLogStream", "logs:PutLogEvents"}
CALLS = {
    "s3:GetObject": {"get_object", "head_object", "copy_object"},
    "s3:PutObject": {"put_object", "upload_file", "copy_object", "to_parquet"},
    "s3:DeleteObject": {"delete_object", "delete_objects"},
    "s3:AbortMultipartUpload": {"upload_file"},  # An upload is aborted if a part fails.
    "s3:ListBucketVersions": {"list_object_versions"},
    "s3:DeleteObjectVersion": {"delete_objects"},
    # Without this action, S3 returns 403 instead of 404.
    "s3:ListBucket": {"list_objects_v2", "get_object", "head_object"},
    "lambda:InvokeFunction": {"invoke"},
}
"""Client methods that require an action, if the methods and the action have different names."""
OBSERVED = ("s3:", "dynamodb:", "kinesis:", "kms:", "secretsmanager:")
"""Prefixes of services whose calls the unit tests of functions observe.

These tests often replace the clients of other services by fakes.
"""
NAMES_CALLS_OF_OTHERS = {"collect"}
"""Functions that import code with calls of other functions. `collect` imports the descriptions of all routes."""


def calls_of(action):
    return CALLS.get(action, {xform_name(action.partition(":")[2])})


def test_roles_permit_exactly_the_actions_of_the_manifest(assembly):
    offenders = {}
    for name in FUNCTIONS:
        manifest = read_manifest(name)
        access = [*manifest.access, *(manifest.trigger.access if manifest.trigger else ())]
        stated = {action for grant in access if not grant.needs_function for action in grant.actions}
        permitted = {action for action, _ in granted(assembly.role(assembly.function(name)))}
        if different := permitted ^ (stated | OWN_OUTPUT):
            offenders[name] = different

    assert offenders == {}


def test_manifests_grant_no_unused_action():
    offenders = {}
    for name in FUNCTIONS:
        actions = {action for grant in read_manifest(name).access for action in grant.actions}
        called = words(f"functions.{name}.handler")
        if unused := {a for a in actions if not called & calls_of(a)}:
            offenders[name] = unused

    assert offenders == {}


def test_manifests_grant_every_called_action():
    granted_actions = {name: {a for grant in read_manifest(name).access for a in grant.actions} for name in FUNCTIONS}
    actions = {a for some in granted_actions.values() for a in some if not a.startswith(OBSERVED)}
    offenders = {}
    for name in set(FUNCTIONS) - NAMES_CALLS_OF_OTHERS:
        called = words(f"functions.{name}.handler")
        needed = {action for action in actions if called & calls_of(action)}
        if missing := needed - granted_actions[name]:
            offenders[name] = missing

    assert offenders == {}


def test_functions_with_signed_routes_may_read_the_signing_keys():
    functions = {route.function for route in SIGNED_ROUTES.values()}

    assert {name for name in functions if not set(SIGNING_KEYS) <= set(read_manifest(name).access)} == set()


def test_function_may_write_only_its_own_log(assembly):
    for function in map(assembly.function, FUNCTIONS):
        (log,) = [s["Resource"] for s in statements(assembly.role(function)) if "logs:PutLogEvents" in s["Action"]]

        assert flat(log) == f"{flat(function.properties['LoggingConfig']['LogGroup'])}.Arn"
