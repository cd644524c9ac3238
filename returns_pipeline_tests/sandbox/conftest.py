"""Accounts that are stopped when their test ends."""

import pytest

from returns_pipeline_tests.sandbox.account import Account


@pytest.fixture
def served():
    """Makes accounts with the switches that a test wants."""
    accounts = []

    def make(**switches):
        accounts.append(Account(**switches))
        return accounts[-1]

    yield make
    for account in accounts:
        account.server.stop()


@pytest.fixture
def account(served):
    """An account with the documented behaviour."""
    return served()
