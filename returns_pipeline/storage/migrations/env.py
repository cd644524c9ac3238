"""What Alembic runs: the migrations on the connection that `storage/migrate.py` hands over, in its transaction. No choice of database."""

from alembic import context

from returns_pipeline.storage.database import SCHEMA

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema=SCHEMA, transactional_ddl=True)
context.run_migrations()
