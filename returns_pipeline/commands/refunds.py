"""`refunds import`: a list of refunds that were made straight in Shopify, for the next close."""

from pathlib import Path

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.csv_lists import ListRefused
from returns_pipeline.stages.importing import refunds_in
from returns_pipeline.storage import closes, database


def import_list(path: Path, shop: str, by: str) -> Answer:
    """Imports a list for one shop; refunds that are known already are left as they are. 1 for a list that is refused, 2 for an unknown shop."""
    settings = load_settings()
    if shop not in {each.label for each in settings.shops}:
        known = ", ".join(each.label for each in settings.shops)
        return Answer([f"no shop is labelled {shop!r}; the settings have {known}"], status=2)
    try:
        refunds = refunds_in(path, settings.shop(shop))
    except ListRefused as refusal:
        return Answer([f"refused, nothing was imported: {refusal}"], status=1)
    runtime.prepare()
    with database.connect() as connection:
        added = closes.import_refunds(connection, shop, refunds, by)
    line = f"{len(refunds)} refunds in the list, {added} of them new; {by} is recorded as asserted, not proved"
    return Answer([line], {"refunds": len(refunds), "new": added})
