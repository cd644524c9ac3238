"""The migrations of schema `returns`, run by Alembic through `storage/migrate.py`."""
