"""A model's version becomes the champion with the last consent to it."""

from __future__ import annotations

from sqlalchemy import Connection

from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.organization.approval import Approval, Effects, approval_of, consent, have_effect
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.registry import promote_model, read_models
from bankloop.store.verbs import verb


@verb("model.promote")
def promote(bank: Bank, checker: Principal, name: str) -> int:
    """Give the consent that the submitted version of a campaign's model waits for, and return the version.

    The last consent makes it champion.
    """
    with bank.store.begin(checker) as connection:
        versions = read_models(connection, name)
        waiting = approval_of(connection, "model", name)
        asked = [m for m in versions if waiting is not None and m.artefact_digest == waiting.digest]
        wanted = max(asked, key=lambda m: m.version, default=None)
        if waiting is None or wanted is None or wanted.state == "champion" or not waiting.open:
            newest = max((m.version for m in versions), default=0)
            raise ConflictError(
                "model.not_submitted",
                Text("模型 {name} 第 {version} 版没有待审批的申请", "model {name} version {version} is not submitted for approval"),
                name=name, version=newest,
            )  # fmt: skip
        consent(connection, waiting.approval_id)
    return wanted.version


def _crown(connection: Connection, request: Approval) -> None:
    """Make the version of a model that has every consent the champion."""
    name = request.object_id
    asked = [m for m in read_models(connection, name) if m.artefact_digest == request.digest]
    # The same rows learned from again give the same artefact: what was asked for is the newest version of it.
    wanted = max(asked, key=lambda m: m.version, default=None)
    if wanted is None:
        raise ConflictError(
            "model.version_gone",
            Text("模型 {name} 没有申请里的这一版；请重新训练并提交", "model {name} has no version of what was asked for; train and submit it again"),
            name=name,
        )  # fmt: skip
    if wanted.state != "champion":
        promote_model(connection, name, wanted.version)
        record_audit(connection, "model.promote", "model", name, None, {"version": wanted.version})


have_effect("model", Effects(Text("这一版成为冠军模型", "this version becomes the champion"), _crown))
