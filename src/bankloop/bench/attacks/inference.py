"""What must not be told, learned from counts, lists, pages and the difference of two answers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from bankloop.bench.attacks.target import BASE, AttackTarget, attack, held
from bankloop.loop.audience import MIN_CELL
from bankloop.loop.membership.probing import NEAR_A_DAY
from bankloop.web.shell.console import Console

_SECRET = ("frozen", "watchlist")
_WORDS = ("司法冻结", "反洗钱关注", "关联违约传递", "other_compliance")


def _people(target: AttackTarget) -> Any:
    return Console(target.bank).people_now().table


def _flagged(target: AttackTarget) -> str:
    """Return a customer with a confidential flag."""
    people = _people(target)
    marked = np.zeros(people.num_rows, bool)
    for name in _SECRET:
        marked |= np.asarray(people[name].to_pylist(), dtype=object) == True  # noqa: E712 - None is neither
    numbers = np.asarray(people["customer_no"].to_pylist())[marked]
    held(len(numbers), "nobody is flagged")
    return str(sorted(numbers)[0])


@attack("inference")
def ask_for_an_audience_of_one(target: AttackTarget) -> None:
    """Learn a flag from the count of an audience that holds one customer."""
    people, answers = _people(target), []
    at = people["customer_no"].to_pylist().index(_flagged(target))
    for row in (at, (at + 1) % people.num_rows):
        aum, stayed = people["aum"][row].as_py(), people["tenure_days"][row].as_py()
        yuan = f"{aum // 100}.{aum % 100:02d}"
        asked = {"expression": f"aum between {yuan} and {yuan} and tenure_days = {stayed}"}
        answers.append(target.api("hq_strategist").get(f"{BASE}/audience", params=asked).json())
    held(answers[0] == answers[1], answers)
    held(answers[0].get("fewer_than") == MIN_CELL, answers[0])


@attack("inference")
def ask_for_a_flag_by_name(target: AttackTarget) -> None:
    """Use a confidential attribute in a condition."""
    for name in (*_SECRET, "relation_risk"):
        asked = {"expression": f"{name} = true"}
        answer = target.api("hq_strategist").get(f"{BASE}/audience", params=asked)
        held(answer.status_code in (400, 403, 404, 422), f"{name}: {answer.status_code} {answer.text[:120]}")


@attack("inference")
def ask_around_one_customer(target: AttackTarget) -> None:
    """Ask again and again with conditions that differ by one customer."""
    client, people = target.api("hq_strategist"), _people(target)
    amounts = np.unique(people["aum"].to_numpy())[-(NEAR_A_DAY + 4) :]
    codes = [
        client.get(f"{BASE}/audience", params={"expression": f"aum < {int(amount) // 100 + 1}"}).status_code
        for amount in amounts
    ]
    held(codes[-1] == 403, codes[-5:])


@attack("inference")
def read_a_flag_on_a_customer_s_page(target: AttackTarget) -> None:
    """Read on a page, in an offer or in the API that somebody is frozen or watched."""
    number = _flagged(target)
    for role in ("hq_strategist", "branch_commander"):
        page = target.browser(role).get(f"/customers/{number}")
        for word in _WORDS:
            held(word not in page.text, f"{role}: {word}")
        for path in ("", "/overview", "/offers"):
            answer = target.api(role).get(f"{BASE}/customers/{number}{path}").text
            held(not any(f'"{name}": true' in answer or f'"{name}":true' in answer for name in _SECRET), path)


@attack("inference")
def take_customers_out_by_an_export(target: AttackTarget) -> None:
    """Take out whom a plan left out in confidence, by its files."""
    page = target.browser("hq_strategist")
    plans = target.api("hq_strategist").get(f"{BASE}/plans").json()["items"]
    for one in plans[:1]:
        for part in ("customers", "left_out"):
            answer = page.get(f"/plan/{one['plan_id']}/export", params={"part": part, "kind": "csv"})
            held(not any(word in answer.text for word in _WORDS), part)


@attack("inference")
def find_identifiers_in_files(target: AttackTarget) -> None:
    """Find a phone number of a customer in the lake, the quarantine, plans or deliveries."""
    phones = _phones(target)
    held(phones, "no phone numbers in the sources")
    for path in (target.bank.folder / "data").rglob("*"):
        if path.is_file() and not {"incoming", "cluster", "truth"} & set(path.parts):
            body = path.read_bytes()
            held(not any(phone in body for phone in phones), path.name)


def _phones(target: AttackTarget) -> list[bytes]:
    """Return phone numbers as the bank delivered them."""
    path = max((target.bank.folder / "data" / "incoming").iterdir()) / "core" / "customer.dat"
    return [found.encode() for found in re.findall(r"\b1\d{10}\b", path.read_bytes().decode("gbk", "replace"))[:50]]
