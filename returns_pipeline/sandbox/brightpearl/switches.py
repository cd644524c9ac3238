"""What is unknown about Brightpearl, or differs between accounts, as switches that may be turned while the sandbox runs."""

import datetime as dt
from dataclasses import dataclass


@dataclass
class BrightpearlSwitches:
    """One field per open question of the contract; the defaults follow the documentation."""

    dedupe_credits: bool = True  # a repeated externalRef of one installation answers 200 and changes nothing
    dedupe_answers_id: bool = True  # ... with the existing credit's id, else with an empty object
    part_receipt_allowed: bool = True  # a credit's row may be received in several notes
    close_seconds: float = 0.0  # how long the accounting stays pending after a close
    close_after_reads: int = 0  # ... or how many reads of the credit it takes
    close_sticks_pending: bool = False  # the accounting failed: it stays pending until closed again
    negative_rows_allowed: bool = True  # a row with a negative net, as for a deduction
    post_recomputes_tax: bool = False  # a POST's tax is replaced by rate times net
    installation_header: bool = True  # answers name the installation's id
    period_locked_until: dt.date | None = None  # a close with a tax date up to this day is refused
    search_lag_seconds: float = 0.0  # searches do not show changes younger than this
    parent_order_id_is_idset: bool = True  # whether order-search takes several parents at once
    shuffle_pages: bool = False  # rows of a search without a sort come in any order
    repeat_pages: bool = False  # a search's later pages are its first again
    overlap_pages: int = 0  # how many rows of the page before come again
    ignores_unknown_filters: bool = True  # a filter that names no column is ignored, else refused
    neighbour_usage_per_minute: int = 0  # calls that another private app takes from the shared pool
    missing_ids_are_404: bool = False  # products and transfers of which none exists: 404, or an empty list
    order_shows_external_ref: bool = False  # whether the order's own resource shows its external reference
    no_goods_notes_is_404: bool = True  # goods notes of an order that has none: 404, or an empty answer
    credit_shows_invoice: bool = True  # whether the credit's own resource shows its invoice
    credit_shows_stock_status: bool = False  # ... and how much of it was received
