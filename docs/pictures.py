"""Takes the pictures of docs/pictures from a running Dagster UI: `make dev` in one terminal, `make pictures` in another."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "pictures"
PAGES = {
    "match": "/locations/returns_pipeline/asset-groups/match",
    "failed-check": "/assets/returns/return_lines?view=checks",
    "automation": "/automation",
    "resolve-exception": "/locations/returns_pipeline/jobs/resolve_exception/playground",
}


def main(url: str) -> None:
    """Writes one picture per page."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 800})
        for name, path in PAGES.items():
            page.goto(url + path)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1500)
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000")
