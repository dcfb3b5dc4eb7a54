"""AWS in memory, for all unit tests."""

from hypothesis import settings

from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud

__all__ = ["aws", "boto3_session", "clients", "cloud", "functions_session", "memory_cloud"]

settings.register_profile("busy machine", deadline=None)  # the machine decides how long an example takes
settings.load_profile("busy machine")
