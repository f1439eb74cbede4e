"""Ask an address once whether it is there."""

from __future__ import annotations

import logging

from dataflow.errors import FatalError
from dataflow.http.policy import HostPolicy

__all__ = ["answers"]


def answers(address: str, policy: HostPolicy) -> bool:
    """Tell whether an address answers with success; a redirect is followed, to another host too.

    Raises:
        FatalError: when the text is no address.
        HostRefused: when it, or where it redirects, may not be asked.
    """
    import httpx

    from dataflow.http.client import Client

    log = logging.getLogger(__name__)
    with Client(log, policy=policy, max_retries=0, follow_redirects=True, leaves_host=True) as client:
        try:
            with client.stream("GET", address) as answer:
                return answer.is_success
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            message = "wait_for: the address is none; see its template and what its references are set to"
            raise FatalError(message) from None
        except httpx.RequestError:
            return False
