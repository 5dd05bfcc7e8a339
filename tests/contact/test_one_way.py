"""Nobody gets in touch with a customer but by ``contact.asking``: nobody else reserves, queues or counts one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bankloop

HOUSE = Path(bankloop.__file__).parent
# What makes a contact; nobody beside the room of contacts calls it.
ONLY_IN_CONTACT = {"reserve_contacts", "count_contact", "log_outcome", "DELIVERY_TOPIC"}
# Who makes tasks: in ``give_out`` of what passed, by a plan, or as an instruction whose call is counted when it is logged.
MAKES_TASKS = {"place_tasks", "create_tasks", "open_task"}
MAKERS = {
    ("care.maturity.service", "place_tasks"),
    ("care.remote", "open_task"),
    ("care.worklist.service", "place_tasks"),
    ("customer.servicing.service", "create_tasks"),
    ("journey.trigger.acting", "open_task"),
    ("loop.reach.issue", "create_tasks"),
    ("web.api.tasks", "open_task"),
}


def named_by(tree: ast.AST) -> set[str]:
    """Return every name that a module imports or calls, and the topic of delivery where it is spelt out in a call."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(names=names):
                found |= {alias.name for alias in names}
            case ast.Attribute(attr=name):
                found.add(name)
            case ast.Call(func=ast.Name(id=name), args=args) if name.startswith("enqueue"):
                spelt = [one for one in args if isinstance(one, ast.Constant) and one.value == "delivery"]
                found |= {"DELIVERY_TOPIC"} if spelt else set()
    return found


def users_of(names: set[str], *but: str) -> set[tuple[str, str]]:
    found = set()
    for path in sorted(HOUSE.rglob("*.py")):
        module = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
        if not module.startswith(but):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {(module, name) for name in named_by(tree) & names}
    return found


def test_nobody_reserves_queues_or_counts_a_contact_beside_the_room() -> None:
    assert users_of(ONLY_IN_CONTACT, "contact", "organization.task") == set()


def test_who_makes_tasks_is_known() -> None:
    assert users_of(MAKES_TASKS, "organization.task", "bench") == MAKERS


@pytest.mark.parametrize(
    "text",
    [
        "from bankloop.contact.gate import reserve_contacts",
        "gate.reserve_contacts(connection)",
        "enqueue(connection, 'delivery', key, unit, body)",
    ],
)
def test_another_way_is_seen(text: str) -> None:
    assert named_by(ast.parse(text)) & ONLY_IN_CONTACT
