"""`python -m returns_pipeline_tests.supply_chain holes|keys|history`: prints what was found; 0 clean, 1 found something, 2 not audited."""

import argparse
import datetime as dt
import sys
from pathlib import Path

from returns_pipeline_tests.supply_chain import allowed, holes, keys

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """One look."""
    parser = argparse.ArgumentParser(prog="supply_chain", description="Known holes in packages; keys that slipped in.")
    parser.add_argument("what", choices=["holes", "keys", "history"])
    parser.add_argument("--osv-url", help="another source of advisories than pip-audit's own, in the protocol of OSV")
    chosen = parser.parse_args()
    if chosen.what == "holes":
        service = ["--vulnerability-service", "osv", "--osv-url", chosen.osv_url] if chosen.osv_url else []
        found = holes.audit(ROOT / "requirements.lock", allowed.holes(), dt.datetime.now(dt.UTC).date(), service)
        print("\n".join(found.lines))
        return found.status
    if chosen.what == "keys":
        strange, unneeded = keys.in_files(ROOT, allowed.secrets())
        lines = [str(key) for key in strange]
        lines += [
            f"{entry.file}: {entry.sha1} is allowed and no longer there: take it out of allowed.toml"
            for entry in unneeded
        ]
    else:
        lines = [str(key) for key in keys.in_history(ROOT, allowed.secrets())]
    print(
        "\n".join(lines)
        or f"nothing that looks like a key in {'the files' if chosen.what == 'keys' else 'the history'}"
    )
    return holes.FOUND if lines else holes.CLEAN


if __name__ == "__main__":
    sys.exit(main())
