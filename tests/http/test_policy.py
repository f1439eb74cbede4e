from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.http.policy import HostPolicy, HostRefused

WITHIN = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:0a00:0001::",
    "::10.0.0.1",
    "::127.0.0.1",
    "::ffff:0:10.0.0.1",
    "::8.8.8.8",
    "64:ff9b:1::a00:1",
    "fec0::1",
    "5f00::1",
]


@pytest.mark.parametrize("address", WITHIN)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(HostRefused, match=r"api\.example is at"):
        HostPolicy().allowed("api.example", [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert [address] == HostPolicy().allowed("api.example", [address])


def test_of_several_addresses_only_the_public_ones_are_connected_to() -> None:
    assert ["8.8.8.8"] == HostPolicy().allowed("rebound.example", ["127.0.0.1", "8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize(
    ("text", "host", "address"),
    [
        ("api.internal", "API.internal.", "10.0.0.1"),
        ("*.corp.example", "a.b.corp.example", "10.0.0.1"),
        ("10.0.0.0/8", "any.example", "10.9.9.9"),
        ("127.0.0.1, other", "localhost", "127.0.0.1"),
        ("[::1]", "localhost", "::1"),
        ("fd00::/8 10.0.0.0/8", "x", "fd00::5"),
    ],
)
def test_what_is_named_is_allowed(text: str, host: str, address: str) -> None:
    assert [address] == HostPolicy.parse(text).allowed(host, [address])


@pytest.mark.parametrize(("text", "host"), [("*.corp.example", "corp.example"), ("corp.example", "a.corp.example")])
def test_a_name_stands_for_itself_and_a_star_for_what_is_below(text: str, host: str) -> None:
    with pytest.raises(HostRefused):
        HostPolicy.parse(text).allowed(host, ["10.0.0.1"])


@pytest.mark.parametrize("text", ["http://api.internal", "10.0.0.0/33", "a b/c", "10.0.0", "*", "a..b"])
def test_what_is_no_host_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no host, address or network"):
        HostPolicy.parse(text)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_written(address: IPv4Address) -> None:
    policy = HostPolicy.parse("10.0.0.0/8")
    mapped = ip_address(f"::ffff:{address}")
    translated = ip_address(int(ip_address("64:ff9b::")) + int(address))

    assert policy.allows(address) == policy.allows(mapped) == policy.allows(translated)
