"""The locks in force: what was approved, and the attributes, policies and models that it froze."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bankloop.customer.catalogue import frozen_catalogue
from bankloop.customer.contracts import Catalogue
from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Text
from bankloop.loop import audience, model, product
from bankloop.loop.bank import Bank
from bankloop.loop.model import Uplift
from bankloop.loop.spec import Lock, Policies, amount_of, make_lock, read_lock
from bankloop.organization.approval import is_approved
from bankloop.store.contracts import ModelVersion, Principal
from bankloop.store.registry import champion, list_campaigns, read_models
from bankloop.store.registry import read_lock as stored_lock


def approved_locks(bank: Bank, principal: Principal) -> dict[str, Lock]:
    """Return the frozen locks of all approved campaigns, by name; files play no part."""
    locks = {}
    with bank.store.begin(principal) as connection:
        for row in sorted(list_campaigns(connection), key=lambda row: row.name):
            if (
                row.lock_digest
                and row.state in ("approved", "scheduled", "running")
                and is_approved(connection, "campaign", row.name, row.lock_digest, bank.lake.zone)
            ):
                locks[row.name] = read_lock(stored_lock(connection, row.lock_digest))
    if not locks:
        raise ConflictError(
            "run.nothing_approved",
            Text(
                "没有已批准的战役；先提交并由他人批准",
                "no campaign is approved; submit one and have another person approve it",
            ),
        )
    return locks


def locked_catalogue(locks: Mapping[str, Lock]) -> Catalogue:
    """Return the attributes as the locks froze them: an edited file changes nothing that was approved."""
    merged: dict[str, dict[str, Any]] = {}
    for name, lock in locks.items():
        for attribute, body in lock.content["attributes"].items():
            frozen = {key: value for key, value in body.items() if key != "uses"}
            if merged.setdefault(attribute, frozen) != frozen:
                raise ConflictError(
                    "run.attributes_differ",
                    Text(
                        "已批准的战役对标签 {attribute} 的定义不同；请重新提交 {name}",
                        "approved campaigns froze different definitions of {attribute}; submit {name} again",
                    ),
                    attribute=attribute,
                    name=name,
                )
    return frozen_catalogue(merged)


def catalogue_in_force(bank: Bank, locks: Mapping[str, Lock]) -> Catalogue:
    """The bank's own catalogue where it still says what the locks froze: one state then serves learning too."""
    frozen = locked_catalogue(locks)
    same = all(
        name in bank.catalogue and bank.catalogue[name].digest == a.digest for name, a in frozen.attributes.items()
    )
    return bank.catalogue if same else frozen


def policies_in_force(locks: Mapping[str, Lock]) -> Policies:
    """The bank's policies as the newest lock froze them; campaigns approved under other policies must be resubmitted."""
    found = {lock.policies.model_dump_json(): lock.policies for lock in locks.values()}
    if len(found) > 1:
        raise ConflictError(
            "run.policies_differ",
            Text("已批准的战役用了不同版本的 policies.yaml；请重新提交 {names}", "approved campaigns froze different policies; submit {names} again"),
            names=", ".join(locks),
        )  # fmt: skip
    return next(iter(found.values()))


def locked_model(bank: Bank, principal: Principal, lock: Lock) -> Uplift:
    """Return the model artefact that a lock names, with that of the amount where it names one, checked against the lock."""
    with bank.store.begin(principal) as connection:
        named = {
            key: next(m for m in read_models(connection, key) if m.artefact_digest == digest)
            for key, digest in lock.models.items()
        }
    found = model.load_model(bank.folder / named[lock.name].artefact_path, lock.models[lock.name])
    beside = named.get(amount_of(lock.name))
    if beside is None:
        return found
    return replace(found, amount=model.load_amount(bank.folder / beside.artefact_path, beside.artefact_digest))


def model_versions(bank: Bank, principal: Principal, lock: Lock) -> dict[str, int]:
    """Return model → version of the artefact that a lock names."""
    with bank.store.begin(principal) as connection:
        return {
            m.model_id: m.version
            for key, digest in lock.models.items()
            for m in read_models(connection, key)
            if m.artefact_digest == digest
        }


def resolved_lock(bank: Bank, maker: Principal, name: str) -> tuple[Lock, Uplift]:
    """Return what a campaign's file comes to now, frozen with the champions of its models; raise ``ConflictError`` without them."""
    with bank.store.begin(maker) as connection:
        found = champion(connection, name)
    if found is None:
        raise ConflictError(
            "campaign.no_model",
            Text("{name} 还没有批准的模型；先运行 bankloop learn {name}，再由他人批准", "{name} has no approved model yet; run bankloop learn {name} and have it approved"),
            name=name,
        )  # fmt: skip
    trained = model.load_model(bank.folder / found.artefact_path, found.artefact_digest)
    own = {product.STUDENT} & set(bank.catalogue.attributes)
    also = {*audience.attributes_read(), *product.ATTRIBUTES_READ, *own, *trained.base.features, "branch_id"}
    named = {name: found.artefact_digest}
    campaign = bank.campaign(name)
    if campaign.goal.value == "amount":
        beside = _amount(bank, maker, name)
        named[amount_of(name)] = beside.artefact_digest
        trained = replace(trained, amount=model.load_amount(bank.folder / beside.artefact_path, beside.artefact_digest))
        also |= set(beside.card["features"])
    segments = {key: one.plain for key, one in bank.segments_named(campaign).items()}
    return make_lock(campaign, bank.spec, bank.definitions, named, also, segments), trained


def _amount(bank: Bank, maker: Principal, name: str) -> ModelVersion:
    with bank.store.begin(maker) as connection:
        found = champion(connection, amount_of(name))
    if found is None:
        raise ConflictError(
            "campaign.no_amount",
            Text(
                "{name} 按金额计价值，还没有批准的金额模型；先运行 bankloop learn {model}，再由他人批准",
                "{name} is valued by the amount and has no approved model of it yet; run bankloop learn {model} and have it approved",
            ),
            name=name,
            model=amount_of(name),
        )
    return found
