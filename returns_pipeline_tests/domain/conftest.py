"""Fixtures of the domain tests."""

import psycopg
import pytest

from returns_pipeline_tests.domain.credit_cases import shop_of
from returns_pipeline_tests.domain.retail import Retail


@pytest.fixture
def retail(connection: psycopg.Connection) -> Retail:
    """Three of one shirt and one hat were sold, 30.00 + 6.00 and 10.00 + 2.00."""
    return shop_of(connection)
