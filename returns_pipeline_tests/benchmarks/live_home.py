"""A home of its own for what is measured: folder, settings, embedded database and environment, all gone or put back afterwards. No retailer in it."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from returns_pipeline.storage import embedded, home

# Writes the settings, starts the database and prepares Dagster, for a sandbox's environment.
GoLive = Callable[[Mapping[str, str], str], None]


@contextmanager
def live_home() -> Iterator[GoLive]:
    """A new RETURNS_HOME; what is yielded makes it the home of a live retailer."""
    from returns_pipeline.commands import runtime

    with tempfile.TemporaryDirectory(prefix="returns-measured-") as folder:
        before = dict(os.environ)
        os.environ["RETURNS_HOME"] = folder

        def go_live(environment: Mapping[str, str], settings_toml: str) -> None:
            settings = Path(folder) / "settings.toml"
            settings.write_text(settings_toml, encoding="utf-8")
            os.environ |= {
                **environment,
                "RETURNS_SETTINGS": str(settings),
                "RETURNS_MODE": "live",
                "RETURNS_DATABASE_URL": embedded.renew(home.postgres()),
            }
            runtime.prepare()

        try:
            yield go_live
        finally:
            embedded.stop(home.postgres())
            os.environ.clear()
            os.environ.update(before)
