"""The models and the database say the same of every column."""

import pytest

from returns_pipeline import schemas
from returns_pipeline.schemas.columns import Kind

KINDS = {
    "bigint": Kind.WHOLE,
    "integer": Kind.WHOLE,
    "boolean": Kind.FLAG,
    "text": Kind.TEXT,
    "USER-DEFINED": Kind.TEXT,
    "timestamp with time zone": Kind.MOMENT,
    "date": Kind.DAY,
    "interval": Kind.SPAN,
    "numeric": Kind.EXACT,
    "jsonb": Kind.JSON,
    "_int8": Kind.NUMBERS,
    "_text": Kind.TEXTS,
}
ASSETS = {
    "returngo/rmas",
    "returngo/return_items",
    "returngo/transactions",
    "brightpearl/sales_orders",
    "brightpearl/products",
    "brightpearl/sales_credits",
    "brightpearl/goods_in",
    "returns/return_lines",
    "returns/receipts",
    "returns/credit_proposals",
    "returns/transfer_proposals",
    "brightpearl/expected_returns",
    "brightpearl/posted_credits",
    "returngo/receipt_confirmations",
    "brightpearl/stock_transfers",
    "returns/exceptions",
    "finance/three_way_match",
    "finance/month_end_close",
    "operations/health",
}


def columns_in_database(connection, table):
    return connection.execute(
        """SELECT column_name, CASE WHEN data_type = 'ARRAY' THEN udt_name ELSE data_type END, is_nullable = 'YES',
                  column_default IS NOT NULL OR is_identity = 'YES'
             FROM information_schema.columns WHERE table_schema = 'returns' AND table_name = %s ORDER BY ordinal_position""",
        (table,),
    ).fetchall()


def key_in_database(connection, table):
    rows = connection.execute(
        """SELECT array_agg(k.column_name::text ORDER BY k.column_name) FROM information_schema.table_constraints c
             JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
            WHERE c.table_schema = 'returns' AND c.table_name = %s AND c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') GROUP BY c.constraint_name""",
        (table,),
    ).fetchall()
    return [set(names) for (names,) in rows]


@pytest.mark.parametrize("schema", schemas.by_table().values(), ids=lambda schema: schema.table)
def test_columns_types_and_gaps_are_the_databases(connection, schema):
    """A column that is whole in one and may be missing in the other fails on the first row that shows it."""
    found = columns_in_database(connection, schema.table)
    assert [column.name for column in schema.columns()] == [name for name, *_ in found]
    assert {column.name: column.kind for column in schema.columns()} == {name: KINDS[kind] for name, kind, *_ in found}
    if not schema.is_view:
        assert {column.name: column.nullable for column in schema.columns()} == {
            name: nullable for name, _, nullable, _ in found
        }


@pytest.mark.parametrize(
    "schema", [schema for schema in schemas.by_table().values() if not schema.is_view], ids=lambda schema: schema.table
)
def test_the_key_is_one_the_database_holds_and_left_out_columns_are_filled_by_it(connection, schema):
    """An upsert on a key that is not unique, or without a column nobody fills, fails at the first batch."""
    assert set(schema.key) in key_in_database(connection, schema.table)
    filled = {name for name, *_, is_filled in columns_in_database(connection, schema.table) if is_filled}
    assert {column.name for column in schema.columns() if column.is_generated} <= filled


def test_every_asset_has_its_table():
    """Dagster shows the columns of each asset from here."""
    assert set(schemas.by_asset_key()) == ASSETS
    assert all(schema.table == key.replace("/", "_") for key, schema in schemas.by_asset_key().items())


@pytest.mark.parametrize("schema", schemas.by_table().values(), ids=lambda schema: schema.table)
def test_every_column_says_what_it_means(schema):
    """The data dictionary is made from this; money without its unit is a number."""
    assert schema.description
    for column in schema.columns():
        assert column.description, column.name
        assert column.source, column.name
        if column.name.endswith("_minor"):
            assert column.unit is not None, column.name
            assert column.unit.startswith("minor units of"), column.name


def test_a_table_nobody_knows_is_named_in_the_error():
    """A typing error in an asset's key must not read as an empty table."""
    with pytest.raises(KeyError, match="returngo/rma"):
        schemas.named("returngo/rma")
