"""Which hosts may be asked: any public address, and beyond these only what ``DATAFLOW_ALLOWED_HOSTS`` names.

A config is written by many, and a server's redirect by strangers; neither shall reach what listens on this machine or
beside it: a database, the metadata service of a cloud.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from dataflow.errors import FatalError

__all__ = ["HostPolicy", "HostRefused"]

Address = IPv4Address | IPv6Address

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")
_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""What IANA gives out of IPv6; all else is local, reserved, or another way to write an IPv4 address."""


class HostRefused(FatalError):
    """A host that may not be asked: it lies on this machine or in a private network, or is another than was named."""


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Judges hosts and the addresses that they resolve to."""

    hosts: frozenset[str] = frozenset()
    """Names that may be asked wherever they lie, lower case; ``*.corp.example`` for all below."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses that may be asked, private or not."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hosts, addresses and networks, separated by commas or blanks.

        Raises:
            ValueError: when one is none of these.
        """
        hosts, networks = set(), []
        for entry in filter(None, re.split(r"[,\s]+", text.strip().lower())):
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                if not _HOST.fullmatch(entry) or re.fullmatch(r"[0-9.]+", entry):
                    raise ValueError(f"{entry!r} is no host, address or network such as 10.0.0.0/8") from None
                hosts.add(entry.rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def allowed(self, host: str, addresses: Iterable[str]) -> list[str]:
        """Give the addresses that may be connected to, of those that the host resolved to.

        Raises:
            HostRefused: when there is none.
        """
        found = list(addresses)
        kept = [
            address for address in found if self.allows_host(host) or self.allows(ip_address(_without_zone(address)))
        ]
        if not kept:
            raise HostRefused(
                f"{host} is at {', '.join(found[:3]) or 'no address'}, on this machine or in a private network, and is "
                "not asked; where that is right, name it in DATAFLOW_ALLOWED_HOSTS"
            )
        return kept

    def allows_host(self, host: str) -> bool:
        """Tell whether a name may be asked wherever it lies."""
        name = host.lower().rstrip(".")
        below = {f"*.{name[index + 1 :]}" for index, letter in enumerate(name) if letter == "."}
        return not self.hosts.isdisjoint({name, *below})

    def allows(self, address: Address) -> bool:
        """Tell whether an address may be asked whatever its name."""
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        inner = _inner(address)
        if inner is not None:
            return self.allows(inner)
        if (
            address.version == 6 and address not in _GLOBAL_UNICAST
        ):  # Python takes some that are no longer used for public
            return False
        return address.is_global and not address.is_multicast


def _without_zone(address: str) -> str:
    return address.partition("%")[0]


def _inner(address: Address) -> IPv4Address | None:
    """Give the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
