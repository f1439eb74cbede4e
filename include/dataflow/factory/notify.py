"""Messages of runs, through Airflow's own connections: Apprise, mail, webhooks.

A message is tried once. What cannot be sent is told in the log and in run history, by the kind of its error alone:
the address of a webhook is often its secret.
"""

from __future__ import annotations

import html
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dataflow.errors import DataflowError, InputError
from dataflow.ops.history import open_history
from dataflow.ops.stages import StageKey, record_anomaly
from dataflow.runtime.telling.news import News, news_of_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow.sdk import Connection

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.notify import Notify

__all__ = ["link_of_run", "tell", "tell_of_end"]

HTTP_SECONDS = 10
"""The DAG processor, which sends most messages, ends a callback that takes long; others wait for theirs."""

_log = logging.getLogger("dataflow.notify")


def tell_of_end(workflow: Workflow, settings: Settings, *, run_id: str, failed: bool, reason: str) -> None:
    """Tell everyone who wants to hear of it how a run ended."""
    spec = workflow.spec
    known = News(
        event="failure" if failed else "success",
        workflow=workflow.name,
        title=spec.title or workflow.name,
        owner=spec.owner,
        run_id=run_id,
        link=link_of_run(workflow.name, run_id),
    )
    tell(news_of_end(known, settings=settings, reason=reason), spec.notify, settings=settings)


def tell(news: News, subscribers: Iterable[Notify], *, settings: Settings) -> None:
    """Send one message to each connection that wants one of the news' events; never raises."""
    for each in subscribers:
        if not news.events & set(each.events):
            continue
        try:
            _send(news, each)
        except Exception as exc:  # noqa: BLE001  # who cannot be reached must not keep the others from hearing
            why = str(exc) if isinstance(exc, DataflowError) else type(exc).__name__
            _log.error("%s: no message to %s: %s", news.run_id, each.connection, why)
            _remember(news, f"no message to {each.connection}: {why}", settings=settings)
        else:
            _log.info("%s: told %s that %s", news.run_id, each.connection, news.headline)


def link_of_run(dag_id: str, run_id: str) -> str:
    """Give the address of the run's page."""
    from airflow.sdk.configuration import conf

    here = f"http://localhost:{conf.getint('api', 'port', fallback=8080)}"
    base = conf.get("api", "base_url", fallback="") or here
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id, safe='')}"


def _send(news: News, subscriber: Notify) -> None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = Connection.get(subscriber.connection)
    except AirflowNotFoundException:
        raise InputError(f"there is no such connection; `airflow connections add {subscriber.connection}`") from None
    send = _SENDERS.get(connection.conn_type)
    if send is None:
        raise InputError(f"a connection of type {connection.conn_type} sends nothing; use {', '.join(_SENDERS)}")
    send(_masked(news), subscriber, connection)


def _masked(news: News) -> News:
    """Leave out what Airflow knows to be a secret in this process, such as the passwords of connections."""
    from airflow.sdk._shared.secrets_masker import redact

    details = tuple(str(redact(each)) for each in news.details)
    return replace(news, message=str(redact(news.message)), details=details)


def _by_apprise(news: News, subscriber: Notify, connection: Connection) -> None:
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    services = apprise.Apprise()
    AppriseHook(subscriber.connection).set_config_from_conn(connection, services)
    kinds = {"success": "success", "failure": "failure", "late": "warning", "anomaly": "warning"}
    # Not through the hook's own `notify`, which does not say whether the message went out.
    if not services.notify(body=news.text, title=news.headline, notify_type=kinds[news.event], tag="all"):
        raise InputError("a service of the connection did not take the message")


def _by_mail(news: News, subscriber: Notify, connection: Connection) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    to = list(subscriber.to) or connection.extra_dejson.get("to")
    if not to:
        raise InputError("nobody to write to; give `to` beside the connection, or in its extra")
    with SmtpHook(subscriber.connection) as smtp:
        smtp.send_email_smtp(to=to, subject=news.headline, html_content=f"<pre>{html.escape(news.text)}</pre>")


def _by_webhook(news: News, subscriber: Notify, _: Connection) -> None:
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id=subscriber.connection)
    hook.run(json=news.to_json(), extra_options={"timeout": HTTP_SECONDS})


_SENDERS: dict[str, Callable[[News, Notify, Any], None]] = {
    "apprise": _by_apprise,
    "smtp": _by_mail,
    "http": _by_webhook,
}
"""By the connection's type."""


def _remember(news: News, message: str, *, settings: Settings) -> None:
    key = StageKey(workflow=news.workflow, run_id=news.run_id, stage="FAILED", try_number=0)
    try:
        record_anomaly(open_history(settings.ops), key, category="NOTIFY", message=message, severity="warning")
    except Exception:  # noqa: BLE001  # the log has it
        _log.warning("run history could not be told either")
