"""LDAP bind against Debian's slapd, started here with a directory of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bankloop.kit.errors import EnvironmentFault, SignInError
from bankloop.organization import account
from bankloop.organization.account import Directory, SignInSettings, SignInStep
from bankloop.organization.account.directory import bind
from bankloop.store.database import Store

pytestmark = [
    pytest.mark.ldap,
    # ldap3 asks pyasn1 for names that it has renamed.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ldap3.*", "ignore::DeprecationWarning:pyasn1.*"),
]
SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {place}/slapd.pid
TLSCACertificateFile {place}/ca.pem
TLSCertificateFile {place}/ca.pem
TLSCertificateKeyFile {place}/key.pem
database mdb
suffix "dc=bank"
directory {place}/db
rootdn "cn=admin,dc=bank"
"""
PEOPLE = """dn: dc=bank
objectClass: dcObject
objectClass: organization
o: bank
dc: bank

dn: uid=chen,dc=bank
objectClass: inetOrgPerson
uid: chen
cn: chen
sn: chen
userPassword: directory secret
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    place = tmp_path_factory.mktemp("slapd")
    (place / "db").mkdir()
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{place}/key.pem", "-out", f"{place}/ca.pem"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    (place / "slapd.conf").write_text(CONFIG.format(place=place))
    (place / "people.ldif").write_text(PEOPLE)
    subprocess.run(
        [f"{SLAPD.removesuffix('slapd')}slapadd", "-f", f"{place}/slapd.conf", "-l", f"{place}/people.ldif"], check=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"ldap://127.0.0.1:{port}"
    # In the foreground, with a debug level of its own words; it says when it listens.
    server = subprocess.Popen(
        [SLAPD, "-f", f"{place}/slapd.conf", "-h", f"{url}/", "-d", "config"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    for line in server.stderr:
        if "slapd starting" in line:
            break
    yield Directory(url, "uid={person},dc=bank", start_tls=True, ca_file=str(place / "ca.pem"))
    server.terminate()
    server.wait(10)
    server.stderr.close()


def test_the_directory_proves_a_password_over_tls(directory: Directory) -> None:
    assert bind(directory, "chen", "directory secret")
    for person, password in (
        ("chen", "wrong"),
        ("nobody", "directory secret"),
        ("chen", ""),
        ("chen", "\0"),
        ("", "x"),
    ):
        assert not bind(directory, person, password), (person, password)


@pytest.mark.parametrize("person", ["chen,dc=bank+cn=x", "*", "chen)(uid=*", 'a"b', "cn=admin", "chen\\", "陈"])
def test_a_name_is_a_name_and_no_filter(directory: Directory, person: str) -> None:
    assert not bind(directory, person, "directory secret")


def test_an_unknown_certificate_is_refused_before_the_password_leaves(directory: Directory) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        bind(replace(directory, ca_file=None), "chen", "directory secret")
    assert caught.value.code == "signin.directory"
    assert "secret" not in str(caught.value)


def test_a_directory_that_is_gone_is_a_fault(directory: Directory) -> None:
    with pytest.raises(EnvironmentFault):
        bind(replace(directory, url="ldap://127.0.0.1:9"), "chen", "directory secret")


def test_who_the_directory_proves_signs_in_without_a_password_of_ours(directory: Directory, moving: Store) -> None:
    settings = SignInSettings(directory=directory)
    with moving.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "chen")
    assert account.sign_in(moving, settings, "chen", "directory secret").session.step is SignInStep.FULL
    for _ in range(5):
        with pytest.raises(SignInError):
            account.sign_in(moving, settings, "chen", "wrong")
    # Locked now: the right one is refused with the answer that every name gets.
    with pytest.raises(SignInError) as caught:
        account.sign_in(moving, settings, "chen", "directory secret")
    assert caught.value.code == "signin.wrong"


def test_the_fixture_is_slapd() -> None:
    assert Path(SLAPD).exists()
