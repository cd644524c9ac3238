"""A process of the pipeline that polls Brightpearl as often as the account's shared minute lets it, until it is ended. No measuring."""

from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts


def main() -> None:
    """One cheap read after the other, each in its turn."""
    accounts = Accounts(load_settings())
    while True:
        accounts.brightpearl.warehouses()


if __name__ == "__main__":
    main()
