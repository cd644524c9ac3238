"""Faults on a real connection: what the caller sees, and whether the write happened all the same."""

import threading
import time

import pytest
import requests

from returns_pipeline.sandbox.faults import KINDS, Fault, FaultPlan, interceptor
from returns_pipeline_tests.sandbox.account import Account

CREDIT = "/order-service/sales-credit"


@pytest.fixture
def plan():
    return FaultPlan()


@pytest.fixture
def account(plan):
    served = Account(interceptor=interceptor(plan, "brightpearl"))
    yield served
    plan.clear()
    served.server.stop()


def credits_of(account):
    return [order for order in account.world.orders.values() if order.order_type == "SC"]


def strike(account, plan, kind, **fields):
    """Posts a credit into the fault; its answer, or the error that the caller met."""
    plan.add(Fault(kind, method="POST", path=r"/sales-credit$", **fields))
    try:
        return account.post(CREDIT, account.credit_body())
    except requests.RequestException as error:
        return error


@pytest.mark.parametrize(
    ("kind", "made"), [("commit_then_drop", 1), ("drop_before_commit", 0), ("truncate", 1), ("reset_after_headers", 1)]
)
def test_a_lost_answer_says_nothing_about_the_write(account, plan, kind, made):
    """To the caller they look alike; only the account knows."""
    met = strike(account, plan, kind)
    assert isinstance(met, requests.RequestException)
    assert len(credits_of(account)) == made


def test_a_reset_is_a_reset_and_no_end(account, plan):
    """A proxy that dies breaks the connection off; a client must not take what it has for the whole answer."""
    assert "reset" in str(strike(account, plan, "reset_after_headers")).lower()


@pytest.mark.parametrize(("kind", "made"), [("status_before_commit", 0), ("status_after_commit", 1)])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_bad_status_says_nothing_about_the_write_either(account, plan, kind, made, status):
    answer = strike(account, plan, kind, status=status)
    assert (answer.status_code, len(credits_of(account))) == (status, made)
    assert answer.json()["errors"][0]["code"] == "CMNU-003"


@pytest.mark.parametrize(("kind", "check"), [("html_body", "text"), ("malformed_json", "text"), ("no_id", "empty")])
def test_a_success_that_cannot_be_read_was_a_success(account, plan, kind, check):
    """Treating it as a failure writes the credit twice."""
    answer = strike(account, plan, kind)
    assert (answer.ok, len(credits_of(account))) == (True, 1)
    if check == "empty":
        assert answer.json() == {}
    else:
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize(("with_headers", "remaining"), [(True, "0"), (False, None)])
def test_a_throttle_is_a_503_with_or_without_its_headers(account, plan, with_headers, remaining):
    answer = strike(account, plan, "throttle", with_headers=with_headers, seconds=2.5)
    assert (answer.status_code, answer.headers.get("Brightpearl-Requests-Remaining")) == (503, remaining)
    assert "too many requests" in answer.json()["response"]
    assert answer.headers.get("Brightpearl-Next-Throttle-Period") == ("2500" if with_headers else None)
    assert credits_of(account) == []


def test_a_revoked_token_is_a_401_outside_the_error_envelope(account, plan):
    answer = strike(account, plan, "unauthorized")
    assert (answer.status_code, set(answer.json()), credits_of(account)) == (401, {"response"}, [])


def test_a_dripping_answer_keeps_each_byte_in_time_and_the_whole_late(account, plan):
    """A timeout between bytes never fires; only a deadline for the whole answer does."""
    plan.add(Fault("drip", method="GET", seconds=1.5))
    started = time.monotonic()
    answer = requests.get(account.base_url + "/product-service/channel", headers=account.headers, timeout=1.0)
    assert (answer.status_code, time.monotonic() - started > 1.0) == (200, True)


@pytest.mark.parametrize(("kind", "made_meanwhile"), [("delay", 0), ("answer_late", 1)])
def test_a_slow_call_was_applied_late_or_answered_late(account, plan, kind, made_meanwhile):
    """A request that the caller gave up may still arrive: absence now is no proof of absence later."""
    plan.add(Fault(kind, method="POST", seconds=30.0))
    body, given_up = account.credit_body(), []

    def give_up():
        try:
            requests.post(account.base_url + CREDIT, headers=account.headers, json=body, timeout=1.0)
        except requests.ReadTimeout as timeout:
            given_up.append(timeout)

    caller = threading.Thread(target=give_up)
    caller.start()
    caller.join()
    assert (len(given_up), len(credits_of(account))) == (1, made_meanwhile)
    plan.clear()
    deadline = time.monotonic() + 5
    while not credits_of(account) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert len(credits_of(account)) == 1


def test_a_rule_picks_its_requests(account, plan):
    """From the second on, every other one, twice."""
    plan.add(Fault("status_before_commit", method="GET", path="channel", nth=2, every=2, count=2, status=500))
    seen = [account.get("/product-service/channel").status_code for _ in range(8)]
    assert seen == [200, 500, 200, 500, 200, 200, 200, 200]
    assert account.get("/accounting-service/tax-code").status_code == 200


def test_a_rule_of_the_other_api_strikes_nothing(account, plan):
    plan.add(Fault("status_before_commit", api="returngo", count=None))
    assert account.get("/product-service/channel").status_code == 200


def test_rules_travel_as_json_and_say_how_often_they_struck(account, plan):
    plan.add_from_json([{"kind": "status_before_commit", "path": "channel", "count": None, "status": 502}])
    account.get("/product-service/channel")
    [row] = plan.to_json()
    assert (row["kind"], row["status"], row["seen"], row["done"]) == ("status_before_commit", 502, 1, 1)


@pytest.mark.parametrize("row", [{"kind": "nonsense"}, {"path": "x"}, {"kind": "drip", "done": 1}])
def test_a_rule_that_cannot_be_is_refused_with_all_others(plan, row):
    with pytest.raises(ValueError, match="fault"):
        plan.add_from_json([{"kind": "drip"}, row])
    assert plan.to_json() == []


def test_every_kind_does_something(account, plan):
    """A kind that is spelled in the list alone would pass drills for nothing."""
    plain = account.get("/product-service/channel")
    for kind in KINDS:
        plan.clear()
        plan.add(Fault(kind, seconds=0.3))
        started = time.monotonic()
        try:
            answer = account.get("/product-service/channel")
            is_same = (answer.status_code, answer.content) == (plain.status_code, plain.content)
        except requests.RequestException:
            is_same = False
        assert not is_same or time.monotonic() - started > 0.2, kind
