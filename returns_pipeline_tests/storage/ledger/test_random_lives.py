"""Random lives of one order row: whatever is tried in whatever order, the books hold."""

import itertools

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from returns_pipeline.domain.plans import PlannedLine
from returns_pipeline.storage import ledger
from returns_pipeline_tests.storage.ledger import books

ORDERED, NET, TAX = 4, 1001, 167
numbers = itertools.count(1)
step = st.one_of(
    st.tuples(st.just("raise"), st.integers(1, 5)),
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("receive"), st.integers(0, 5)),
    st.tuples(st.just("post"), st.integers(0, 3)),
    st.tuples(st.just("void"), st.integers(0, 5)),
    st.tuples(st.just("foreign"), st.integers(0, 3)),
)


class Life:
    """One order row of its own within the shared database."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.row_id = 10_000 + next(numbers)
        self.order_id = 500_000 + self.row_id
        self.part = 0
        self.receipts = itertools.count(self.row_id * 100)
        books.balance(connection, self.row_id, ORDERED, NET, TAX, self.order_id)

    def share(self, quantity: int) -> tuple[int, int]:
        """What the next units are worth after those already taken: the cumulative share less what was taken."""
        announced, net, tax, posted, posted_net, posted_tax = books.figures(self.connection, self.row_id)
        upto = announced + posted + quantity
        return (2 * NET * upto + ORDERED) // (2 * ORDERED) - net - posted_net, (2 * TAX * upto + ORDERED) // (
            2 * ORDERED
        ) - tax - posted_tax

    def play(self, action: str, number: int) -> None:
        if action == "raise":
            net, tax = self.share(number)
            if net >= 0 and tax >= 0:
                self.part += 1
                ledger.plan(
                    self.connection,
                    [books.raise_plan(self.part, number, net, tax, rma_id=self.row_id, row_id=self.row_id)],
                    "t",
                )
        elif action == "receive":
            books.received(self.connection, number, self.row_id)
        elif action == "foreign":
            books.foreign(self.connection, number, 0, 0, self.row_id)
        elif action == "void":
            self.void(number)
        elif action == "send":
            self.send(bool(number))
        else:
            self.post(number)

    def mine(self, state: str, kind: str) -> list[int]:
        rows = self.connection.execute(
            """SELECT DISTINCT effect_id FROM effect JOIN effect_line USING (effect_id)
               WHERE order_row_id = %s AND state = %s::effect_state AND kind = %s ORDER BY 1""",
            [self.row_id, state, kind],
        )
        return [row[0] for row in rows]

    def send(self, succeeds: bool) -> None:
        for effect_id in self.mine("planned", "credit.raise")[:1]:
            self.connection.execute(
                "UPDATE effect SET not_before = now() + interval '1 h' WHERE state = 'planned' AND effect_id <> %s",
                [effect_id],
            )
            self.connection.execute("UPDATE effect SET not_before = now() WHERE effect_id = %s", [effect_id])
            if succeeds:
                books.confirm(self.connection, "credit.raise", str(700_000 + effect_id))

    def post(self, which: int) -> None:
        raised = self.mine("confirmed", "credit.raise")
        if which < len(raised):
            effect = ledger.read_one(self.connection, raised[which])
            quantity, net, tax = self.connection.execute(
                "SELECT qty, net_minor, tax_minor FROM effect_line WHERE effect_id = %s", [effect.effect_id]
            ).fetchone()
            lines = (PlannedLine(self.row_id, "post", quantity, net, tax, next(self.receipts)),)
            ledger.plan(self.connection, [books.post_plan(int(effect.remote_id), lines=lines)], "t")

    def void(self, which: int) -> None:
        voidable = self.mine("planned", "credit.raise") + self.mine("planned", "credit.post")
        if which < len(voidable):
            ledger.void(self.connection, voidable[which], "t", "called off")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=15))
def test_i03_i04_the_books_hold_whatever_is_tried(connection, steps):
    """Never more than ordered or invoiced, the penny at full quantity, and the balance is the sum of its live lines."""
    if not connection.execute("SELECT 1 FROM gates").fetchone():
        books.open_gates(connection)
    life = Life(connection)
    for action, number in steps:
        life.play(action, number)
    announced, net, tax, posted, posted_net, posted_tax = books.figures(connection, life.row_id)
    assert announced + posted <= ORDERED
    assert net + posted_net <= NET
    assert tax + posted_tax <= TAX
    if announced + posted == ORDERED:
        assert (net + posted_net, tax + posted_tax) == (NET, TAX)
    lines = dict(
        connection.execute(
            "SELECT phase, sum(qty)::int FROM effect_line WHERE order_row_id = %s AND NOT released GROUP BY phase",
            [life.row_id],
        ).fetchall()
    )
    assert lines.get("post", 0) == posted
    assert lines.get("announce", 0) == announced + posted
