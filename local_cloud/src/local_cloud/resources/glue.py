"""Glue's data catalogue, jobs, connections and security configurations."""

from collections.abc import Mapping
from typing import Any

from local_cloud.resources.properties import PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates

_OWN_CATALOG = {"CatalogId": "an account has only one catalogue"}


@creates("AWS::Glue::Database", kept=_OWN_CATALOG)
def _create_database(creation: Creation) -> Created:
    database = _named(creation, creation.properties["DatabaseInput"])
    creation.clients("glue").create_database(DatabaseInput=database, Tags=creation.tag_map())
    return Created(database["Name"])


@creates("AWS::Glue::Table", kept=_OWN_CATALOG)
def _create_table(creation: Creation) -> Created:
    table = _named(creation, creation.properties["TableInput"])
    creation.clients("glue").create_table(DatabaseName=creation.properties["DatabaseName"], TableInput=table)
    return Created(table["Name"])


def _named(creation: Creation, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition with its name, or with a generated name in lower case."""
    return {"Name": creation.name(None, limit=255, lower=True), **definition}


@creates("AWS::Glue::SecurityConfiguration")
def _create_security_configuration(creation: Creation) -> Created:
    properties = creation.properties
    name = creation.name("Name", limit=255)
    encryption = properties.section("EncryptionConfiguration")
    configuration = encryption.take("CloudWatchEncryption", "JobBookmarksEncryption", S3Encryptions="S3Encryption")
    creation.clients("glue").create_security_configuration(Name=name, EncryptionConfiguration=configuration)
    return Created(name)


@creates("AWS::Glue::Connection", kept=_OWN_CATALOG)
def _create_connection(creation: Creation) -> Created:
    connection = creation.properties["ConnectionInput"]
    if connection["ConnectionType"] != "NETWORK":
        raise PropertyError("ConnectionInput.ConnectionType", "only connections to a network are known here")
    return Created(str(connection["Name"]))
