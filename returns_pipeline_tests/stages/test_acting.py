"""What a person may do about an exception: what fits is recorded with its audit row, what does not is refused and changes nothing."""

import datetime as dt
from collections.abc import Callable

import psycopg
import pytest

from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.acting import Act, ActRefused, act, take_back
from returns_pipeline.storage import decisions, exceptions, frames
from returns_pipeline_tests.storage.rows import frame

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
Opened = Callable[..., int]


@pytest.fixture
def settings() -> Settings:
    return load_settings({})


@pytest.fixture
def opened(connection: psycopg.Connection, settings: Settings) -> Opened:
    """Opens an exception about RMA 77 and answers its number."""

    def open_one(code: str, subject_type: str = "rma", subject_id: str = "77", money_minor: int = 500) -> int:
        finding = Finding(
            code, subject_type, subject_id, "uk", "a cause", rma_id=77, money_minor=money_minor, currency="GBP"
        )
        exceptions.observe(connection, code, "uk", [finding], None, NOW, catalogue=CATALOGUE, settings=settings)
        (number,) = connection.execute("SELECT exception_id FROM exceptions_open WHERE code = %s", [code]).fetchone()
        return int(number)

    return open_one


def wanted(action: str, *, second: str | None = None, reason: str = "seen on the bench", **value: object) -> Act:
    return Act(action, value, reason, "Ada", second)


def recorded(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Action and subject of every decision, and that the audit knows as many."""
    rows = connection.execute(
        "SELECT action, subject_id FROM operator_decisions WHERE revoked_at IS NULL ORDER BY decision_id"
    ).fetchall()
    return [(action, subject) for action, subject in rows]


@pytest.mark.parametrize(
    ("code", "action", "value"),
    [
        ("sku_unknown", "map_sku", {"sku": "A-1", "order_row_id": 17}),
        ("amount_mismatch", "accept_variance", {}),
        ("failed_inspection", "accept_variance", {}),
        ("not_credited_without_receipt", "keep_item", {}),
        ("announced_not_arrived", "lost_in_transit", {"claim_reference": "C-1"}),
        ("foreign_credit", "adopt_credit", {}),
        ("partial_bundle", "accept_partial_bundle", {}),
    ],
)
def test_a_decision_that_fits_is_recorded_and_audited(connection, settings, opened, code, action, value):
    """The next pass judges by it; who decided and why stands in the chain."""
    sold_on_row_17(connection)
    act(connection, settings, opened(code), wanted(action, **value))
    assert recorded(connection) == [(action, "77")]
    ((what, detail),) = connection.execute("SELECT what, detail FROM audit WHERE what = 'decision recorded'").fetchall()
    assert (what, detail["by"], detail["reason"]) == ("decision recorded", "Ada", "seen on the bench")


def sold_on_row_17(connection: psycopg.Connection) -> None:
    """RMA 77 is of a sale whose row 17 sold B-1; row 18 is another sale's."""
    line = frame("returns/return_lines", {"return_line_id": "77-x1-0", "rma_id": 77, "order_id": 5001})
    rows = [{"order_row_id": 17, "order_id": 5001, "sku": "B-1"}, {"order_row_id": 18, "order_id": 5002, "sku": "C-1"}]
    frames.upsert(connection, "returns/return_lines", line)
    frames.upsert(connection, "brightpearl_sales_order_rows", frame("brightpearl_sales_order_rows", *rows))


@pytest.mark.parametrize("order_row_id", [18, 99, "17", None])
def test_a_sku_is_mapped_only_to_a_row_of_its_own_sale(connection, settings, opened, order_row_id):
    """A slip of the keyboard would leave the return held without a word; the rows that there are help to mend it."""
    sold_on_row_17(connection)
    number = opened("sku_unknown")
    with pytest.raises(ActRefused, match=r"no row of the sale of RMA 77, which has 17 \(B-1\)"):
        act(connection, settings, number, wanted("map_sku", sku="A-1", order_row_id=order_row_id))
    assert recorded(connection) == []


def test_a_waiver_that_is_taken_back_opens_the_exception_again(connection, settings, opened):
    """Who waived the wrong case must find it on the list again, under its number."""
    number = opened("amount_mismatch")
    act(connection, settings, number, wanted("waive"))
    (decision,) = decisions.in_force(connection)["decision_id"]
    assert f"open again: exception {number}" in take_back(connection, int(decision), "the wrong case", "Grace")
    assert [turn.what for turn in exceptions.history(connection, number)] == ["opened", "waived", "reopened"]
    assert connection.execute("SELECT state, closed_by FROM exceptions").fetchall() == [("open", None)]


def test_only_what_was_waived_is_opened_again(connection, settings, opened):
    """A waiver about a single write has no decision behind it: the exception itself is opened."""
    number = opened("effect_rejected", "effect", "raise:77:5001:1")
    with pytest.raises(ActRefused, match="is waived"):
        act(connection, settings, number, wanted("reopen"))
    act(connection, settings, number, wanted("waive"))
    act(connection, settings, number, wanted("reopen"))
    assert [turn.what for turn in exceptions.history(connection, number)] == ["opened", "waived", "reopened"]


@pytest.mark.parametrize(
    ("code", "given", "words"),
    [
        ("amount_mismatch", wanted("map_sku", sku="A-1", order_row_id=17), "map_sku fits sku_unknown"),
        ("sku_unknown", wanted("accept_variance"), "accept_variance fits amount_mismatch"),
        ("sku_unknown", wanted("accept_partial_bundle"), "accept_partial_bundle fits partial_bundle"),
        ("sku_unknown", wanted("map_sku", sku="A-1"), "map_sku needs order_row_id"),
        ("sku_unknown", wanted("retry"), "retry acts on an effect"),
        ("sku_unknown", wanted("credit_it"), "there is no action 'credit_it'"),
        ("amount_mismatch", wanted("accept_variance", reason="  "), "needs a reason"),
        ("refund_before_receipt", wanted("lost_in_transit"), "lost_in_transit needs claim_reference"),
    ],
)
def test_an_act_that_does_not_fit_is_refused_and_changes_nothing(connection, settings, opened, code, given, words):
    """The person reads why, and the exception is as it was."""
    number = opened(code)
    before = exceptions.history(connection, number)
    with pytest.raises(ActRefused, match=words):
        act(connection, settings, number, given)
    assert recorded(connection) == []
    assert exceptions.history(connection, number) == before


def test_an_exception_that_is_not_open_is_named_as_such(connection, settings):
    """A typing error in the number must not hit another case."""
    with pytest.raises(ActRefused, match="no open exception 999"):
        act(connection, settings, 999, wanted("waive"))


@pytest.mark.parametrize("action", ["accept_variance", "accept_partial_bundle"])
@pytest.mark.parametrize("second", [None, "", " ada "])
def test_above_the_limit_one_person_is_not_enough(connection, settings, opened, action, second):
    """Nor is the same person twice, in other letters."""
    code = {"accept_variance": "amount_mismatch", "accept_partial_bundle": "partial_bundle"}[action]
    number = opened(code, money_minor=settings.limits.second_approver_minor + 1)
    with pytest.raises(ActRefused, match="second person"):
        act(connection, settings, number, wanted(action, second=second))
    act(connection, settings, number, wanted(action, second="Grace"))
    assert recorded(connection) == [(action, "77")]


def hold_part_of_bundle(connection: psycopg.Connection, announced: int) -> None:
    """RMA 77 returns a component of the bundle on row 1, of which so many are on credits."""
    connection.execute(
        """INSERT INTO returns_return_lines SELECT (jsonb_populate_record(NULL::returns_return_lines, %s)).*""",
        [
            '{"return_line_id": "77-1-1", "shop": "uk", "rma_id": 77, "rma_status": "Approved", "order_row_id": 1, "order_id": 5001, "quantity": 1, "sku_returned": "MUG",'
            '"returned_item_ids": [1], "life": "ordinary", "resolution_type": "RefundToPaymentMethod", "paid_price_minor": 1, "paid_tax_minor": 0, "fee_minor": 0, "verdict": "held", "hold_code": "partial_bundle",'
            '"return_reasons": "", "currency": "GBP", "judged_at": "2026-03-02T12:00:00Z", "matched_by": "sku", "approved_at": null}'
        ],
    )
    connection.execute(
        """INSERT INTO order_row_balance(order_row_id, order_id, currency, minor_digits, price_mode, ordered_qty, net_minor, tax_minor, announced_qty, announced_net, announced_tax)
           VALUES (1, 5001, 'GBP', 2, 'EXC', 2, 3000, 600, %s, 1500 * %s, 300 * %s)""",
        [announced] * 3,
    )


def test_the_row_of_a_bundle_that_is_opened_must_be_one_that_is_held(connection, settings, opened):
    """Another row would give another set's money away."""
    hold_part_of_bundle(connection, announced=0)
    number = opened("partial_bundle")
    with pytest.raises(ActRefused, match='{"order_row_id": 1}; name one'):
        act(connection, settings, number, wanted("accept_partial_bundle", order_row_id=2))
    act(connection, settings, number, wanted("accept_partial_bundle", order_row_id=1))
    assert recorded(connection) == [("accept_partial_bundle", "77")]


def test_a_bundle_of_which_some_are_on_credits_is_not_opened(connection, settings, opened):
    """Its charge would be given away twice: by the set, and by its pieces."""
    hold_part_of_bundle(connection, announced=1)
    with pytest.raises(ActRefused, match="1 bundles of row 1 are on credits already"):
        act(connection, settings, opened("partial_bundle"), wanted("accept_partial_bundle", order_row_id=1))
    assert recorded(connection) == []


def test_a_decision_is_taken_back_once_and_stays_on_record(connection, settings, opened):
    """What was decided by mistake must not judge for ever."""
    act(connection, settings, opened("amount_mismatch"), wanted("accept_variance"))
    (number,) = decisions.in_force(connection)["decision_id"]
    assert "taken back" in take_back(connection, int(number), "the invoice was wrong", "Grace")
    assert recorded(connection) == []
    assert connection.execute("SELECT count(*) FROM operator_decisions").fetchone() == (1,)
    with pytest.raises(ActRefused, match="no decision"):
        take_back(connection, int(number), "again", "Grace")
    with pytest.raises(ActRefused, match="needs a reason"):
        take_back(connection, int(number), "", "Grace")
