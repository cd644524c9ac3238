"""What is kept and shown after a whole play: no key, no customer; and other people's text that does nothing."""

from returns_pipeline_tests.scenarios.conftest import PASSWORD
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer
from returns_pipeline_tests.scenarios.written import everything_written

_STEPS_OF_THE_LONGEST_CASE = 4
_ODD = (
    '=HYPERLINK("http://x") <script>alert(1)</script> [a](javascript:alert(1)) \'); DROP TABLE effect; --\nERROR forged'
)


@in_lockstep
def test_no_secret_and_no_customer_is_kept_anywhere(retailer: Retailer) -> Steps:
    """Every table of the database, Dagster's own among them, and every file at home, once all other cases have been played.

    The sandbox's customers, addresses and voucher codes all carry the word canary.
    """
    asked = retailer.approved(retailer.order(), resolution="RefundToStoreCredit")
    yield
    retailer.refund(asked)
    for _ in range(_STEPS_OF_THE_LONGEST_CASE):
        yield
    environment = retailer.sandbox.environment
    secrets = {value for name, value in environment.items() if name.endswith(("_KEY", "_TOKEN"))} | {PASSWORD}
    assert len(secrets) > 2
    looked_at = set()
    for where, text in everything_written():
        looked_at.add(where)
        assert "canary" not in text.lower(), f"a customer's data in {where}"
        assert [secret for secret in secrets if secret in text] == [], f"a secret in {where}"
    assert {"returns.effect", "public.event_logs", "public.runs"} <= looked_at
    assert len(looked_at) > 50


@in_lockstep
def test_other_peoples_text_does_nothing(retailer: Retailer) -> Steps:
    """A reason is what a stranger typed: a formula, a script, a statement, a forged log line."""
    order = retailer.order()
    asked = retailer.approved(order, reason=_ODD)
    yield
    retailer.send_back(asked)
    yield
    retailer.credited(order, asked)
    assert retailer.exceptions(asked) == set()
