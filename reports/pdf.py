"""A page as PDF, printed by an installed Chromium without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from whichface.forensics.errors import ForensicsError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "microsoft-edge", "chrome")
"""Commands that are looked for, in this order."""
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    ),
}
"""Where the installers of systems put them that do not use the PATH."""
FLAGS = (
    "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--no-first-run",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--force-color-profile=srgb",
)  # fmt: skip
SECONDS = 120
"""Longest time that printing may take."""


class PdfError(ForensicsError):
    """A PDF that cannot be made; the message says why."""


def find_browser() -> str:
    """Path of a Chromium. Raises PdfError when none is installed."""
    places = [place for place in PLACES.get(sys.platform, ()) if Path(place).is_file()]
    found = next((path for name in NAMES if (path := shutil.which(name))), None) or next(iter(places), None)
    if found is None:
        raise PdfError("A PDF needs Chromium, Chrome or Edge on this computer, and none was found on the PATH.")
    return found


def browser_flags(profile: Path) -> list[str]:
    """Arguments for a headless run that asks no network; the sandbox is left out only for root, who has none."""
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    return [*flags, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else flags


def print_pdf(page: Path, pdf: Path, browser: str | None = None) -> None:
    """Write the HTML page as PDF. Raises PdfError."""
    with tempfile.TemporaryDirectory(prefix="whichface-", ignore_cleanup_errors=True) as profile:
        command = [browser or find_browser(), *browser_flags(Path(profile)), "--no-pdf-header-footer"]
        command += [f"--print-to-pdf={pdf.resolve()}", page.resolve().as_uri()]
        try:
            pdf.unlink(missing_ok=True)  # what an earlier run left is no sign of success
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise PdfError(f"{pdf} was not made: the browser did not finish in {SECONDS} seconds.") from error
        except OSError as error:
            raise PdfError(f"{pdf} was not made: {error.strerror}.") from error
    if done.returncode or not _is_pdf(pdf):
        raise PdfError(f"{pdf} was not made: the browser {Path(command[0]).name} failed (exit code {done.returncode}).")


def _is_pdf(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(5) == b"%PDF-"
    except OSError:
        return False
