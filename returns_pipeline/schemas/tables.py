"""What every table's model shares: its name, asset, key and source, and the list of its columns. No table itself."""

from dataclasses import dataclass
from functools import cached_property

import pandera.pandas as pa

from returns_pipeline.schemas.columns import Column


class Table(pa.DataFrameModel):
    """A table of schema `returns` as a frame: exactly these columns, in these types."""

    class Config:
        """Frames are brought to their types before they get here, cell by cell, so nothing is converted silently."""

        coerce = False
        strict = True


@dataclass(frozen=True)
class TableSchema:
    """One table: its model, the asset it belongs to (none for rows below an asset), its key columns and where its rows come from."""

    table: str
    model: type[Table]
    key: tuple[str, ...]
    source: str
    asset_key: str | None = None
    is_view: bool = False

    @property
    def description(self) -> str:
        """What one row is."""
        return (self.model.__doc__ or "").strip()

    @cached_property
    def pandera(self) -> pa.DataFrameSchema:
        """The model as Pandera runs it."""
        return self.model.to_schema()

    def columns(self) -> list[Column]:
        """The columns in the table's order, each with meaning, unit and source."""
        return list(self._columns)

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        return tuple(self._column(name, declared) for name, declared in self.pandera.columns.items())

    @cached_property
    def pandera_of_incoming(self) -> pa.DataFrameSchema:
        """As Pandera runs it on rows whose generated columns the database has yet to fill."""
        return self.pandera.remove_columns([column.name for column in self.columns() if column.is_generated])

    def _column(self, name: str, declared: pa.Column) -> Column:
        facts = declared.metadata
        return Column(
            name=name,
            dtype=str(declared.dtype.type) if declared.dtype is not None else "object",
            kind=facts["kind"],
            description=declared.description,
            unit=facts["unit"],
            source=facts["source"] or self.source,
            nullable=declared.nullable,
            is_key=name in self.key,
            is_generated=facts["generated"],
            freshness=facts["freshness"],
        )
