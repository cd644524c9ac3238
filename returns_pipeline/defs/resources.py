"""The one resource of the graph: it opens passes. It holds no secret; credentials are read from the environment when a run starts."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope, open_pass


class ScopeConfig(dg.Config):
    """What a run is about: leave all empty for everything that is open."""

    rma_ids: list[int] = []
    shops: list[str] = []
    is_sweep: bool = False

    def scope(self) -> Scope:
        """The scope in the stages' own words."""
        return Scope(shops=tuple(self.shops), rma_ids=tuple(self.rma_ids), is_sweep=self.is_sweep)


class PipelineResource(dg.ConfigurableResource):
    """Settings and accounts of one run, shared by its assets: one HTTP session per process and API."""

    _settings: Settings | None = PrivateAttr(default=None)
    _accounts: Accounts | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Reads the settings; a wrong key stops the run before anything is read from the accounts."""
        self._settings = load_settings()
        self._accounts = Accounts(self._settings)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Closes the HTTP sessions and writes down the calls they made."""
        if self._accounts is not None:
            self._accounts.close()

    @contextmanager
    def open(self, context: dg.AssetExecutionContext, config: ScopeConfig) -> Iterator[Pass]:
        """A pass for one asset, on its own database connection."""
        if self._settings is None or self._accounts is None:
            raise RuntimeError("the pipeline resource was used outside a run")
        with open_pass(self._settings, self._accounts, context.run_id, config.scope()) as opened:
            yield opened


@dg.definitions
def resources() -> dg.Definitions:
    """The resource under the name that assets ask for."""
    return dg.Definitions(resources={"pipeline": PipelineResource()})
