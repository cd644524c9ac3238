"""What a check is, and how the checks of this folder are found. The checks themselves are one small file each, beside this one."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Scope = Literal["open", "all"]
Severity = Literal["warn", "error"]
Owner = Literal["finance", "warehouse", "cx", "product_data", "integration"]


@dataclass(frozen=True)
class Violation:
    """One row that breaks a rule: whom it is about, what was expected and what was found. Ids only, no customer data.

    Attributes:
        told_as: the code of the exception by which the pipeline tells of it already; then the check adds none of its own.
    """

    subject_type: str
    subject_id: str
    expected: str
    found: str
    shop: str = ""
    rma_id: int | None = None
    money_minor: int | None = None
    currency: str | None = None
    told_as: str | None = None


Rule = Callable[[pd.DataFrame], Iterable[Violation]]


@dataclass(frozen=True)
class Check:
    """A rule over one asset's table, with what people need to know about it.

    Attributes:
        asset: key of the asset, "returns/return_lines".
        title: a true statement in plain words, as it holds when the check passes.
        rule: takes the asset's frame and returns the violations.
        owner: who acts on them.
        severity: "error" for what must be mended, "warn" for what must be looked at.
        is_blocking: whether downstream assets of the same run wait for it (only with "error").
        scope: the rows it reads: what is open, or (in the nightly sweep) all of history.
    """

    asset: str
    title: str
    rule: Rule
    owner: Owner
    severity: Severity = "warn"
    is_blocking: bool = False
    scope: Scope = "open"
    name: str = ""


def discover() -> list[Check]:
    """Every module of this folder that has a `CHECK`, under its file's name, in alphabetical order.

    Raises:
        TypeError: a module's `CHECK` is not a `Check`.
    """
    package = importlib.import_module("returns_pipeline.checks")
    found = []
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        check = getattr(importlib.import_module(f"returns_pipeline.checks.{module_info.name}"), "CHECK", None)
        if check is None:
            continue
        if not isinstance(check, Check):
            raise TypeError(
                f"returns_pipeline/checks/{module_info.name}.py: CHECK must be a Check, found {type(check).__name__}"
            )
        found.append(Check(**{**vars(check), "name": module_info.name}))
    return found
