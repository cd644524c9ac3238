"""Postgres, the only store: connections, migrations, frames, gates, the effect ledger, exceptions and how the pipeline stands.

What a row means is decided in `domain/`; here it is only kept, found and guarded.
"""
