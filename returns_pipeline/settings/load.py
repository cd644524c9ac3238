"""Reads the settings: the defaults, the file named by RETURNS_SETTINGS laid over them key by key, the mode from the environment.

Belongs here: merging and messages that name the key and its mend. Not here: credentials, which the clients read when a run starts.
"""

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from returns_pipeline.settings.model import Settings

_PER_SHOP_TABLES = ("policy", "effects", "transfers")
_PER_SHOP_BRIGHTPEARL_TABLES = ("fees", "payment_methods")
# Tables whose keys are the account's own words: a file's keys join the defaults, and none of them is "unknown".
_OPEN_TABLES = {"payment_methods", "inspection_locations", "returns_warehouses", "saleable_warehouses", "recipients"}


class SettingsError(Exception):
    """The settings cannot be used; the message names each key and its mend."""


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: defaults, then the file named by RETURNS_SETTINGS, then RETURNS_MODE, RETURNS_ACCOUNT and RETURNGO_SHOP_NAME.

    Raises:
        SettingsError: a file that cannot be read, a malformed or unknown key, a value that is not allowed.
    """
    environment = os.environ if environment is None else environment
    defaults = default_tables()
    path = environment.get("RETURNS_SETTINGS")
    given = _read_toml(Path(path)) if path else {}
    source = path or "the defaults"
    merged = _lay_over(defaults, given, source=source)
    shops = given.get("shops", defaults["shops"])
    merged["shops"] = [_complete_shop(shop, merged, source) for shop in _list_of_tables(shops, source)]
    merged["mode"] = environment.get("RETURNS_MODE", "shadow")
    merged["account"] = environment.get("RETURNS_ACCOUNT", "")
    single_shop_name = environment.get("RETURNGO_SHOP_NAME")
    if single_shop_name and len(merged["shops"]) == 1:
        merged["shops"][0]["name"] = single_shop_name
    for table in ("policy", "effects", "transfers"):
        merged.pop(table)
    try:
        return Settings.model_validate(_tuples(merged))
    except ValidationError as error:
        raise SettingsError(_explain(error, source)) from error


def default_tables() -> dict[str, Any]:
    """The tables of the commented defaults file that ships with the package."""
    text = resources.files("returns_pipeline.settings").joinpath("defaults.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"RETURNS_SETTINGS names {path}, which does not exist; write the file or unset the variable"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"RETURNS_SETTINGS names {path}, which cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not a TOML file: {error}; mend that line") from error


def _lay_over(defaults: dict[str, Any], given: dict[str, Any], *, source: str, within: str = "") -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in given.items():
        if key == "shops" and not within:
            continue
        name = f"{within}{key}"
        default = defaults.get(key)
        if isinstance(default, dict) and isinstance(value, dict):
            merged[key] = (
                {**default, **value}
                if key in _OPEN_TABLES
                else _lay_over(default, value, source=source, within=f"{name}.")
            )
        elif isinstance(default, dict):
            raise SettingsError(f"{source}: [{name}] must be a table, found {value!r}")
        else:
            merged[key] = value
    return merged


def _list_of_tables(shops: Any, source: str) -> list[dict[str, Any]]:  # noqa: ANN401 - what a person wrote may be anything
    if not isinstance(shops, list) or not all(isinstance(shop, dict) for shop in shops):
        raise SettingsError(f"{source}: shops must be written as [[shops]] blocks, one per ReturnGo shop")
    if not shops:
        raise SettingsError(
            f"{source}: there is no [[shops]] block; write one per ReturnGo shop, without a shop nothing runs"
        )
    return shops


def _complete_shop(shop: dict[str, Any], merged: dict[str, Any], source: str) -> dict[str, Any]:
    complete = dict(shop)
    label = shop.get("label", "?")
    bases = {name: merged[name] for name in _PER_SHOP_TABLES}
    bases |= {name: merged["brightpearl"][name] for name in _PER_SHOP_BRIGHTPEARL_TABLES}
    for name, base in bases.items():
        own = shop.get(name, {})
        complete[name] = _lay_over({name: base}, {name: own}, source=f"{source}, shop {label!r}")[name]
    return complete


def _tuples(value: Any) -> Any:  # noqa: ANN401 - walks whatever TOML holds
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(entry) for entry in value)
    return value


def _explain(error: ValidationError, source: str) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        place = ".".join(str(part) for part in problem["loc"]).replace("return_", "return")
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown key `{place}`: remove it or mend its spelling")
        elif problem["type"] == "missing":
            lines.append(f"`{place}` is missing: write it in the settings file")
        elif place == "mode":
            lines.append(f"RETURNS_MODE is {problem['input']!r}: set it to 'shadow' or 'live'")
        elif place == "account":
            lines.append(f"RETURNS_ACCOUNT is {problem['input']!r}: use small letters, digits and _")
        else:
            lines.append(f"`{place}` = {problem['input']!r}: {problem['msg']}")
    return f"the settings in {source} cannot be used:\n  " + "\n  ".join(lines)
