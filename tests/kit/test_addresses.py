"""Where the program goes by itself: out, and into the bank's network, never into its own machine unasked."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from bankloop.kit.addresses import NAMED_HOSTS, check_address
from bankloop.kit.errors import EnvironmentFault

SCHEMES = ("https", "http")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x",
        "http://127.9.9.9:81/",
        "http://localhost:5432",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1%25eth0]/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://224.0.0.1/",
        "file:///etc/passwd",
        "gopher://10.0.0.1/",
        "https://",
    ],
)
def test_this_machine_and_its_link_are_not_gone_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMED_HOSTS, raising=False)
    with pytest.raises(EnvironmentFault, match=r"net\.address") as refused:
        check_address(address, SCHEMES)
    assert NAMED_HOSTS in refused.value.message.en
    assert NAMED_HOSTS in refused.value.message.zh
    assert "meta-data" not in str(refused.value)


@pytest.mark.parametrize("address", ["https://10.1.2.3/", "https://192.168.0.9:8443/x", "https://93.184.216.34/"])
def test_the_bank_s_network_and_the_world_are(address: str) -> None:
    check_address(address, SCHEMES)


def test_a_name_is_judged_by_every_address_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(host: str, *_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.216.34", 0)), (0, 0, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", known)
    with pytest.raises(EnvironmentFault, match=r"net\.address"):
        check_address("https://idp.bank.example/", SCHEMES)
    monkeypatch.setenv(NAMED_HOSTS, "other.example, idp.bank.example")
    check_address("https://idp.bank.example/", SCHEMES)


def test_a_named_host_is_gone_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMED_HOSTS, "127.0.0.1")
    check_address("http://127.0.0.1:9/", SCHEMES)
