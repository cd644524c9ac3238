"""How every asset of the graph is declared: key, group, owner, kinds, columns, schema check. No asset itself."""

from collections.abc import Sequence

import dagster as dg

from returns_pipeline.defs.metadata import column_schema, schema_check

CODE_VERSION = "1"
ONE_LAYER_RETRIES = "a write is retried by the effect ledger and by nothing else: no retry policy here"


def spec(key: str, *, group: str, owner: str, kinds: set[str], deps: Sequence[str] = (), description: str | None = None) -> dg.AssetSpec:
    """The spec of one asset; its table's columns come from its Pandera model."""
    return dg.AssetSpec(
        key=key.split("/"),
        deps=[dg.AssetKey(dep.split("/")) for dep in deps],
        group_name=group,
        owners=[f"team:{owner}"],
        kinds=kinds,
        description=description,
        code_version=CODE_VERSION,
        metadata={"dagster/column_schema": column_schema(key), "dagster/table_name": f"returns.{key.replace('/', '_')}"},
    )


def checks(*keys: str) -> list[dg.AssetCheckSpec]:
    """The schema checks that the assets of one step report."""
    return [schema_check(key) for key in keys]
