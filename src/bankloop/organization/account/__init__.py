"""Signing in: accounts, first codes, passwords, second factors, directory and provider, sessions, machines.

It says who somebody is and never what they may do. Nothing is kept as it was given: digests, or sealed.
"""

from bankloop.organization.account.accounts import (
    account_of,
    accounts,
    begin_totp,
    bind_subject,
    close_account,
    confirm_totp,
    lock_account,
    open_account,
    reset_account,
    set_password,
    unlock_account,
)
from bankloop.organization.account.contracts import (
    Account,
    Caller,
    Directory,
    Machine,
    Oidc,
    Opened,
    Session,
    SignInSettings,
    SignInStep,
)
from bankloop.organization.account.demonstration import demo_password, open_demo_accounts
from bankloop.organization.account.errors import bad_token as bad_token_error
from bankloop.organization.account.errors import needed as sign_in_needed
from bankloop.organization.account.machines import (
    SCOPES,
    TOKEN_LIFE,
    issue_token,
    machines,
    make_machine,
    read_credential,
    revoke_machine,
    rotate_secret,
)
from bankloop.organization.account.oidc import Asked, Provider
from bankloop.organization.account.sessions import (
    end_session,
    forget_sessions,
    open_session,
    read_session,
    rotate_session,
    sessions_of,
)
from bankloop.organization.account.settings import read_settings
from bankloop.organization.account.signing_in import (
    SIGN_IN,
    begin_factor,
    change_password,
    confirm_factor,
    give_code,
    sign_in,
    sign_in_subject,
    switch_person,
)
from bankloop.organization.account.tables import idempotency_key as idempotency_table

__all__ = [
    "SCOPES",
    "SIGN_IN",
    "TOKEN_LIFE",
    "Account",
    "Asked",
    "Caller",
    "Directory",
    "Machine",
    "Oidc",
    "Opened",
    "Provider",
    "Session",
    "SignInSettings",
    "SignInStep",
    "account_of",
    "accounts",
    "bad_token_error",
    "begin_factor",
    "begin_totp",
    "bind_subject",
    "change_password",
    "close_account",
    "confirm_factor",
    "confirm_totp",
    "demo_password",
    "end_session",
    "forget_sessions",
    "give_code",
    "idempotency_table",
    "issue_token",
    "lock_account",
    "machines",
    "make_machine",
    "open_account",
    "open_demo_accounts",
    "open_session",
    "read_credential",
    "read_session",
    "read_settings",
    "reset_account",
    "revoke_machine",
    "rotate_secret",
    "rotate_session",
    "sessions_of",
    "set_password",
    "sign_in",
    "sign_in_needed",
    "sign_in_subject",
    "switch_person",
    "unlock_account",
]
