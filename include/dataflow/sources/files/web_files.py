"""A file that lies on a web server, fetched into scratch: ``https://...`` as the `path` of a file source."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import FatalError, StepError, TransientError
from dataflow.http.waiting import pause_before
from dataflow.masking import masked
from dataflow.sources.files.file_paths import is_web_page
from dataflow.sources.reading import SourceFile
from dataflow.sources.request import IngestRequest

if TYPE_CHECKING:
    import httpx

__all__ = ["fetch_from_web", "is_web_address"]

TIME = timedelta(hours=1)
"""For one file, with all its tries."""
TRIES = 4
PIECE = 1 << 20


def is_web_address(path: str) -> bool:
    """Tell whether a path is an address of the web."""
    return path.lower().startswith(("https://", "http://"))


def fetch_from_web(address: str, request: IngestRequest, scratch: Path, *, may_be_empty: bool) -> SourceFile:
    """Fetch the file, piece by piece, and again from its beginning when it breaks off.

    Raises:
        FatalError: when the server has no such file, or may not be asked.
        TransientError: when it did not come whole, or a web page or nothing came instead.
    """
    import httpx

    from dataflow.http.client import Client
    from dataflow.http.network import Deadline

    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise FatalError(f"{request.table}: the path is no address: {error}") from None
    shown = masked(f"{url.scheme}://{url.host}{url.path}")  # a query may hold what is secret
    # What ends in .gz is unpacked later.
    target = scratch / ("fetched.gz" if url.path.endswith(".gz") else "fetched")
    deadline = Deadline.within(TIME.total_seconds())
    policy = request.settings.host_policy
    # No login is sent, so a redirect to another host, as downloads have them, gives nothing away.
    with Client(request.log, policy=policy, deadline=deadline, follow_redirects=True, leaves_host=True) as client:
        for number in range(1, TRIES + 1):
            try:
                _fetch(client, url, target, shown)
                break
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise FatalError(f"{shown}: the path is no address: {masked(str(error))}") from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                pause = pause_before(number)
                if number == TRIES or pause >= deadline.left:
                    raise TransientError(f"{shown}: it did not come whole ({type(error).__name__})") from None
                request.log.warning("%s: it broke off (%s); again in %.1f s", shown, type(error).__name__, pause)
                time.sleep(pause)
    _refuse(target, shown, may_be_empty=may_be_empty)
    request.log.info("%s: fetched %.1f MB", shown, target.stat().st_size / 1e6)
    return SourceFile(target, shown)


def _fetch(client: httpx.Client, url: httpx.URL, target: Path, shown: str) -> None:
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
        if not answer.is_success:
            raise _refused(answer, shown)
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise _web_page(shown)
        # A server that calls an archive packed for the way would have it unpacked twice.
        pieces = answer.iter_raw(PIECE) if target.suffix == ".gz" else answer.iter_bytes(PIECE)
        with target.open("wb") as into:
            for piece in pieces:
                into.write(piece)


def _refuse(target: Path, shown: str, *, may_be_empty: bool) -> None:
    """Refuse what is not the file's content but something before the server saying that it is not there now."""
    if is_web_page(target):
        raise _web_page(shown)
    if not target.stat().st_size and not may_be_empty:
        raise TransientError(f"{shown}: nothing came, not even a header; is the file about to be written?")


def _web_page(shown: str) -> TransientError:
    return TransientError(f"{shown}: a web page, not data; often of a proxy, a login or an error")


def _refused(answer: httpx.Response, shown: str) -> StepError:
    from dataflow.http.client import AGAIN

    status = answer.status_code
    if status in AGAIN or status >= 500:
        return TransientError(f"{shown}: the server answered {status} each time")
    hint = "; a file source sends no login, so use type: api or python" if status in (401, 403) else ""
    return FatalError(f"{shown}: the server answered {status}{hint}")
