"""Care with what the loop knows: whom a call was measured to help or to harm, and the approved text that explains a fall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection

from bankloop.care.maturity import DrawdownCare, MaturityCare, falls, make_maturity_tasks, read_care, tell_holders
from bankloop.care.remote import maintain_remote
from bankloop.customer.servicing import RemoteCare
from bankloop.kit.errors import ConflictError, SpecError
from bankloop.kit.text import Text
from bankloop.loop import model, reach
from bankloop.loop.bank import Bank
from bankloop.loop.round.labels import audience_now
from bankloop.loop.script import check_scripts, check_service, newest_approved
from bankloop.loop.spec import Lock, ScriptVersion, read_lock
from bankloop.organization.principals import system
from bankloop.store.contracts import ModelVersion
from bankloop.store.registry import champion, list_campaigns
from bankloop.store.registry import read_lock as stored_lock

CALL = "rm_call"
# The script that explains a fall; its versions are approved as every script's are.
EXPLANATION = "drawdown"
# What is said to whom no manager keeps.
LONG_TAIL = "keeping-in-touch"
# What an audience of maturities asks for.
_MATURING = "term_maturing_60d"


def care_for_maturities(bank: Bank, connection: Connection, today: date) -> MaturityCare:
    """Make the day's calls before maturities, in the name of who acts; see ``make_maturity_tasks``."""
    return make_maturity_tasks(connection, bank.lake, today, call_effects(bank, today))


def explain_fall(bank: Bank, connection: Connection, today: date, product: str) -> DrawdownCare:
    """Tell the holders of a product that fell, by the approved explanation alone; see ``tell_holders``.

    Raises ``ConflictError`` without an approved one, ``SpecError`` where it says something that sells.
    """
    text = _approved(bank, EXPLANATION)
    _check(text)
    label = f"{EXPLANATION}@{text.version}"
    return tell_holders(connection, bank.lake, today, product, label, sorted(text.bodies))


def explain_falls(bank: Bank, connection: Connection, today: date) -> dict[str, DrawdownCare]:
    """Tell the holders of every product that fell by the policy's measure, by product; see ``explain_fall``."""
    found = falls(bank.lake, read_care(bank.folder).drawdown, today)
    return {one.product_id: explain_fall(bank, connection, today, one.product_id) for one in found}


def keep_in_touch(bank: Bank, connection: Connection, today: date) -> RemoteCare:
    """Let the remote centre keep in touch with whom no manager keeps, under the caps and capacities in force."""
    text = _approved(bank, LONG_TAIL)
    check_scripts([bank.spec.scripts[LONG_TAIL]])
    caps, capacities = reach.gate_limits(bank.spec.policies)
    return maintain_remote(
        connection, bank.lake, today, f"{LONG_TAIL}@{text.version}", sorted(text.bodies), caps, capacities
    )


def call_effects(bank: Bank, today: date) -> dict[str, float]:
    """Return by customer what a manager's call adds to the chance of keeping money that matures, as the champion says.

    Of the campaign in force whose audience is of maturities; empty where none is, or it has no champion.
    """
    with bank.store.begin(system("care")) as connection:
        found = next(
            ((lock, entry) for lock, entry in _measured(connection) if _of_maturities(lock)),
            None,
        )
    if found is None:
        return {}
    lock, entry = found
    learned = model.load_model(bank.folder / entry.artefact_path, entry.artefact_digest)
    members = audience_now(bank, lock, today - timedelta(days=1), learned.base.features)
    keys = [action.key for action in reach.actions_of(lock) if action.channel == CALL]
    _, uplift = learned.predict(model.feature_matrix(members, learned.base.features), keys)
    best: Mapping[str, float] = dict(zip(members["customer_no"].to_pylist(), uplift.max(axis=1).tolist(), strict=True))
    return dict(best)


def _measured(connection: Connection) -> list[tuple[Lock, ModelVersion]]:
    found = []
    for row in list_campaigns(connection):
        entry = champion(connection, row.name) if row.lock_digest else None
        if entry is not None and row.lock_digest:
            found.append((read_lock(stored_lock(connection, row.lock_digest)), entry))
    return found


def _of_maturities(lock: Lock) -> bool:
    return CALL in lock.campaign.reach.channels and _MATURING in lock.audience_names


def _approved(bank: Bank, name: str) -> ScriptVersion:
    script = bank.spec.scripts.get(name)
    version = newest_approved(script) if script is not None else None
    if version is None:
        raise ConflictError(
            "care.no_explanation",
            Text(
                "没有已批准的话术（scripts/{script}.yaml）；写好并批准一版后再执行",
                "there is no approved text (scripts/{script}.yaml); write one and have it approved first",
            ),
            script=name,
        )
    return version


def _check(version: ScriptVersion) -> None:
    for channel, body in sorted(version.bodies.items()):
        for language, words in (("zh", body.zh), ("en", body.en)):
            found = check_service(words)
            if found:
                raise SpecError(
                    "script.sells",
                    Text("净值说明 {place}：{finding}；服务类通知只说明、不销售", "explanation {place}: {finding}; service explains and never sells"),
                    place=f"{EXPLANATION}@{version.version}/{channel}/{language}",
                    finding=found[0].sentence,
                    phrase=found[0].quoted,
                )  # fmt: skip
