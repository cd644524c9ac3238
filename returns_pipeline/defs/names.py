"""What this code location is called in Dagster: the keys of its assets, and the account that its syncs are tagged with. No asset itself."""

import os

import dagster as dg

# Several accounts in one Dagster have the same assets: their keys must differ. Read when the definitions load, like the keys themselves.
_PREFIX = os.environ.get("RETURNS_ACCOUNT", "")
ACCOUNT = _PREFIX or "brightpearl"


def asset_key(asset: str) -> dg.AssetKey:
    """`returngo/rmas` -> its key; the account's label stands before it where RETURNS_ACCOUNT names one."""
    return dg.AssetKey([*([_PREFIX] if _PREFIX else []), *asset.split("/")])


def asset_of(key: dg.AssetKey) -> str:
    """The asset's own name, as tables, checks and people use it: the last two parts of its key."""
    return "/".join(key.path[-2:])
