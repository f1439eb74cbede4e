"""The TCP ports of one installation. They move together, so that two installations fit on one machine."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dataflow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Port", "Ports"]

API, WORKER_LOGS, TRIGGER_LOGS, SCHEDULER_HEALTH = 8080, 8793, 8794, 8974
LARGEST = 65_535
MOVES_ALL = "DATAFLOW_AIRFLOW_PORT"


@dataclass(frozen=True, slots=True)
class Port:
    """One port: what listens there and which variable moves it."""

    number: int
    purpose: str
    variable: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Airflow's ports; the distance between them is that of its defaults."""

    api: Port
    worker_logs: Port
    trigger_logs: Port
    scheduler_health: Port
    checks_health: bool
    """Whether the scheduler answers health checks of its own; off unless the environment says so."""

    @classmethod
    def of(cls, environment: Mapping[str, str], *, api: int | None = None) -> Self:
        """Read the ports: ``api`` as given, else ``DATAFLOW_AIRFLOW_PORT``, else Airflow's own variables, else 8080.

        Raises:
            InputError: when a variable is not a port.
        """
        first = api if api is not None else _number(environment, MOVES_ALL, "AIRFLOW__API__PORT", default=API)
        if not 1 <= first <= LARGEST - (SCHEDULER_HEALTH - API):
            raise InputError(
                f"port {first} is out of range: {MOVES_ALL} is 1 to {LARGEST - (SCHEDULER_HEALTH - API)}, "
                "the others lie above it"
            )
        moved = first - API

        def beside(default: int, purpose: str, variable: str) -> Port:
            return Port(_number(environment, variable, default=default + moved), purpose, variable)

        return cls(
            api=Port(first, "Airflow's API and pages", MOVES_ALL),
            worker_logs=beside(WORKER_LOGS, "task logs", "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"),
            trigger_logs=beside(TRIGGER_LOGS, "trigger logs", "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"),
            scheduler_health=beside(
                SCHEDULER_HEALTH, "the scheduler's health", "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"
            ),
            checks_health=environment.get("AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK", "").lower()
            in {"t", "true", "1", "yes"},
        )

    @property
    def bound(self) -> tuple[Port, ...]:
        """Those that something will listen on."""
        always = (self.api, self.worker_logs, self.trigger_logs)
        return (*always, self.scheduler_health) if self.checks_health else always

    def require_free(self) -> None:
        """See that nobody listens on any of them.

        Raises:
            InputError: naming every port in use, who holds it where that can be seen, and what moves it.
        """
        taken = [port for port in self.bound if not _is_free(port.number)]
        if taken:
            lines = [_taken(port) for port in taken]
            move = f"choose another with {MOVES_ALL}=<port>, which moves all of them"
            raise InputError("\n".join([*lines, f"nothing was started; {move}"]))


def _number(environment: Mapping[str, str], *variables: str, default: int) -> int:
    for variable in variables:
        text = environment.get(variable, "").strip()
        if not text:
            continue
        if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
            raise InputError(f"{variable}={text} is not a port; give a number from 1 to {LARGEST}")
        return int(text)
    return default


def _is_free(port: int) -> bool:
    families = [(socket.AF_INET, "0.0.0.0")]  # noqa: S104 - bound for a moment, to see whether anybody has it
    if socket.has_ipv6:
        families.append((socket.AF_INET6, "::"))
    return all(_can_bind(family, host, port) for family, host in families)


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    import errno

    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: a connection of a server that has ended and lingers in TIME_WAIT is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
    return True


def _taken(port: Port) -> str:
    moved_by = "" if port.variable == MOVES_ALL else f" ({port.variable} moves it alone)"
    return f"port {port.number}, for {port.purpose}, is in use{_holder(port.number)}{moved_by}"


def _holder(port: int) -> str:
    """Name the process that listens there, if this user may see it."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
        pids = {c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid}
        named = [f"process {pid}, {psutil.Process(pid).name()}" for pid in sorted(pids)]
    except psutil.Error:
        return ""
    return f" by {', '.join(named)}" if named else ""
