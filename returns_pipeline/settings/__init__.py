"""The settings people edit: types, the commented defaults file and how the two are read. No credentials, no Dagster."""

from returns_pipeline.settings.live import KINDS_OF_SWITCH, live_kinds, missing_for_live
from returns_pipeline.settings.load import SettingsError, default_tables, load_settings
from returns_pipeline.settings.model import Policy, Settings, ShopSettings

__all__ = [
    "KINDS_OF_SWITCH",
    "Policy",
    "Settings",
    "SettingsError",
    "ShopSettings",
    "default_tables",
    "live_kinds",
    "load_settings",
    "missing_for_live",
]
