"""The one resource of the graph: it opens passes. It holds no secret; credentials are read from the environment when a run starts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope, open_pass
from returns_pipeline.storage.database import KeptConnection

_STATEMENT_TIMEOUT_MILLISECONDS, _RECYCLE_SECONDS, _OVERFLOW = 60_000, 3600, 20


class ScopeConfig(dg.Config):
    """What a step is about: leave it empty for everything that is open."""

    rma_ids: list[int] = []


def scope_of(run_tags: Mapping[str, str], rma_ids: Sequence[int]) -> Scope:
    """The scope of a run: its tags name the shops ("all" or "uk,eu") and say whether it is a sweep."""
    shops = run_tags.get("shops", "all")
    return Scope(
        shops=() if shops == "all" else tuple(shops.split(",")),
        rma_ids=tuple(rma_ids),
        is_sweep=run_tags.get("sweep") == "yes",
    )


class PipelineResource(dg.ConfigurableResource):
    """Settings and accounts of one run, shared by its assets: one HTTP session per process and API."""

    _settings: Settings | None = PrivateAttr(default=None)
    _accounts: Accounts | None = PrivateAttr(default=None)
    _kept: KeptConnection = PrivateAttr(default_factory=KeptConnection)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Reads the settings; a wrong key stops the run before anything is read from the accounts."""
        if context.instance is not None:
            # Dagster's Postgres storage opens a connection for each of a run's four hundred statements unless it is told to keep one.
            context.instance.optimize_for_webserver(
                statement_timeout=_STATEMENT_TIMEOUT_MILLISECONDS, pool_recycle=_RECYCLE_SECONDS, max_overflow=_OVERFLOW
            )
        self._settings = load_settings()
        self._accounts = Accounts(self._settings)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Closes the HTTP sessions and writes down the calls they made."""
        if self._accounts is not None:
            self._accounts.close()
        self._kept.close()

    @contextmanager
    def open(
        self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, config: ScopeConfig
    ) -> Iterator[Pass]:
        """A pass for one step, on the connection that this process's steps share."""
        if self._settings is None or self._accounts is None:
            raise RuntimeError("the pipeline resource was used outside a run")
        scope = scope_of(context.run.tags, config.rma_ids)
        with open_pass(self._settings, self._accounts, context.run.run_id, scope, self._kept) as opened:
            yield opened


@dg.definitions
def resources() -> dg.Definitions:
    """The resource under the name that assets ask for."""
    return dg.Definitions(resources={"pipeline": PipelineResource()})
