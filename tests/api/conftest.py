"""The fixtures of the integration tests: the product on the embedded cloud."""

from tests.integration.loop.conftest import assembly as assembly
from tests.integration.loop.conftest import shop as shop
