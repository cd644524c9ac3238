"""What the tests of credit decisions begin with: a shirt that comes back, and what the ledger says of it afterwards. No assertions."""

import pandas as pd
import psycopg

from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.retail import Retail, product_of
from returns_pipeline_tests.storage.ledger import books

NOTHING: list[str] = []

SHIRT = product_of("SHIRT")


def shop_of(connection: psycopg.Connection, **settings: object) -> Retail:
    world = Retail(connection, settings_with(**settings))
    world.sale(5001, [(9001, "SHIRT", 3, 3000, 600), (9002, "HAT", 1, 1000, 200)])
    return world


def a_shirt_comes_back(retail: Retail, count: int = 1, **more: object) -> list[int]:
    retail.rma(77, 5001)
    return retail.units(77, "SHIRT", 1200, 200, count=count, **{"shipment_id": 1, **more})


def holds(proposals: pd.DataFrame) -> set[str]:
    return set(proposals["hold_code"].dropna())


def figures(retail: Retail, row_id: int = 9001) -> tuple[int, ...]:
    return books.figures(retail.connection, row_id)
