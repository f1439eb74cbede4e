"""Writes come from our own page or from a program with a token, never from another site's page."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from dataflow.web.airflow_access import configured_host

__all__ = ["refuse_cross_site"]

OURS = {"same-origin", "none"}


def refuse_cross_site(request: Request) -> None:
    """Refuse a write that a foreign page could have sent with the user's cookie.

    A JSON content type cannot be sent across sites without the browser asking first. With a cookie the browser must
    also say that the page is of our own origin. Airflow 3 has no CSRF token.

    Raises:
        HTTPException: 415 without a JSON body's content type, 403 from another site.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise HTTPException(415, "send a JSON body with Content-Type: application/json; {} will do")
    by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not by_token and not _from_our_origin(request):
        raise HTTPException(
            403, "a write with a cookie is taken from this site's own pages only; programs send a token"
        )


def _from_our_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in OURS
    # Browsers leave that header out on plain http to another machine; Origin they send with every POST.
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin in {request.headers.get("host"), configured_host()}
