"""Kaggle's archive of a competition, through the `kaggle` package: resumed, checked, there as a whole or not at all.

That package looks for credentials when it is imported, prints what it has to say on standard output and ends the
process where it finds none; so it is imported late, with its output turned to standard error.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from podium.errors import Unavailable, UserError
from tasks.preparing.archive import damage, md5
from tasks.preparing.room import check_room

ASIDE: Final = ".download"
"""Where an unfinished download waits for the next try."""
COPIES: Final = 3
"""A competition's data are on disk as archive, as raw files and as prepared files."""
PAGE, MOST_PAGES = 200, 50
"""Of the list of files: those beyond are not counted."""
RULES: Final = "https://www.kaggle.com/c/{}/rules"
CREDENTIALS: Final = (
    "Make a token at https://www.kaggle.com/settings, section API, and put it into ~/.kaggle/access_token or "
    "~/.kaggle/kaggle.json (mode 0600), or set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY."
)


def download(competition: str, folder: Path, *, digest: str, gigabytes: float | None, verify: bool) -> Path:
    """Download the archive into `folder` as `<competition>.zip`; gives its path.

    `digest`: its known MD5, asked for with `verify`. `gigabytes`: of the raw data, where Kaggle lists no sizes. A
    broken download is gone on with at the next call. Raises UserError, saying what to do, where there is no room,
    there are no credentials, the rules were not accepted or other data came; Unavailable where Kaggle is.
    """
    with _translated(competition):
        api = _api()
        check_room(folder, COPIES * (_listed(api, competition) or _bytes(gigabytes)), f"preparing {competition}")
        aside = folder / ASIDE
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):
            api.competition_download_files(competition, path=str(aside), force=False, quiet=not sys.stderr.isatty())
    found = aside / f"{competition}.zip"
    if not found.is_file():
        raise UserError(f"Kaggle sent no zip archive for {competition}.", f"Look into {aside}.")
    check_archive(found, digest, verify=verify)
    found.chmod(0o600)
    os.replace(found, folder / found.name)
    with contextlib.suppress(OSError):
        aside.rmdir()
    return folder / found.name


def check_archive(archive: Path, digest: str, *, verify: bool) -> None:
    """Raise UserError for a damaged archive, which is removed, and for another one than the benchmark's."""
    if digest and md5(archive) == digest:
        return
    fault = damage(archive)
    if fault:
        archive.unlink()
        raise UserError(f"The archive that was downloaded is damaged: {fault}.", "It was removed; try again.")
    if digest and verify:
        raise UserError(
            f"Kaggle's {archive.name} is whole, but not the one that the benchmark was made from (MD5 {digest}).",
            "With --skip-verification it is taken as it is; scores are then not comparable.",
        )


def _api() -> Any:
    """The package's client, signed in. Raises UserError where the package or credentials are missing."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            from kaggle.api.kaggle_api_extended import KaggleApi

            api = KaggleApi()
            api.authenticate()
    except ImportError:
        raise UserError(
            "Downloading needs the `kaggle` package.", "Type `pip install kaggle` in Podium's environment."
        ) from None
    except SystemExit:
        raise UserError("No valid credentials for Kaggle were found.", CREDENTIALS) from None
    return api


def _listed(api: Any, competition: str) -> int:
    """Bytes of the competition's files as Kaggle lists them; 0 where it lists none."""
    total, token = 0, None
    for _ in range(MOST_PAGES):
        page = api.competition_list_files(competition, page_token=token, page_size=PAGE)
        total += sum(file.total_bytes for file in page.files or ())
        token = page.next_page_token
        if not token:
            break
    return total


def _bytes(gigabytes: float | None) -> int:
    return int((gigabytes or 0.0) * 1e9)


@contextlib.contextmanager
def _translated(competition: str) -> Iterator[None]:
    """The package's errors, which are those of `requests` (kinds of OSError), as ours."""
    try:
        yield
    except (OSError, ValueError) as error:
        answer = getattr(error, "response", None)
        raise _ours(competition, error, getattr(answer, "status_code", None)) from None


def _ours(competition: str, error: Exception, status: int | None) -> UserError | Unavailable:
    if isinstance(error, PermissionError):
        return UserError(f"This user may not write {error.filename}.", "Name another folder with --data-dir.")
    if status == 401:
        return UserError("Kaggle refused the credentials.", CREDENTIALS)
    if status == 403:
        return UserError(
            f"Kaggle does not give the data of {competition} to this account: its rules were not accepted.",
            f"Accept them at {RULES.format(competition)}, then try again.",
        )
    if status == 404:
        return UserError(
            f"Kaggle has no data of {competition} for this account.",
            f"Look at https://www.kaggle.com/c/{competition}/data; some competitions' data were withdrawn.",
        )
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return Unavailable(
        f"Kaggle does not answer for {competition}: {first}", "Try again later: a download goes on where it stopped."
    )
