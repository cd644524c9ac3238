"""The recorded shapes that parsers are held against: this folder's own fixtures, and whatever folder RETURNS_CONTRACT_SAMPLES names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from returns_pipeline.clients import json_reading

OWN = Path(__file__).parent / "fixtures"
FOLDER = Path(os.environ.get("RETURNS_CONTRACT_SAMPLES") or OWN)
_PERSONAL = (
    "name",
    "street1",
    "phone",
    "email",
    "addressFullName",
    "companyName",
    "addressLine1",
    "telephone",
    "mobileTelephone",
    "userFirstName",
    "userLastName",
    "userEmailAddress",
    "lastValidatedBy",
    "triggeredBy",
    "textAnswer",
    "iban",
    "firstName",
    "lastName",
    "branchName",
    "branchAddress",
    "htmlText",
)


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer."""

    method: str
    path: str
    query: str
    status: int
    body: Any


def loaded(path: Path) -> Any:
    """A file as the transport would parse it."""
    return json_reading.parse(path.read_bytes())


def files(api: str) -> list[Path]:
    """Every JSON of one API in the chosen folder."""
    found = sorted((FOLDER / api).glob("*.json"))
    assert found, f"{FOLDER / api} holds no sample"
    return found


def exchanges(path: Path) -> Iterator[Exchange]:
    """The recorded exchanges of a file; nothing for a file that holds a bare body."""
    recorded = loaded(path)
    for each in recorded if isinstance(recorded, list) else []:
        if isinstance(each, dict) and "request" in each and "response" in each:
            parts = urlsplit(each["request"]["uri"])
            below = "/" + parts.path.split("/public-api/", 1)[-1].split("/", 1)[-1]
            response = each["response"]
            yield Exchange(each["request"]["method"], below, parts.query, response["status"], response.get("body"))


def personal(raw: Any, within: str = "") -> Iterator[str]:
    """Values of a raw answer that name or reach a person, or are money by themselves."""
    if isinstance(raw, dict):
        if raw.get("externalReferenceType") == "StoreCreditCode":
            yield str(raw["externalReferenceId"])
        for key, value in raw.items():
            # What is called `name` is a person's only inside an address.
            is_personal = key in _PERSONAL and (key != "name" or within.endswith("Address"))
            if is_personal and isinstance(value, str) and len(value) > 3 and value != "string":
                yield value
            yield from personal(value, key)
    elif isinstance(raw, list):
        for value in raw:
            yield from personal(value, within)
