"""Scarcity as in a bank of this size: where nothing is scarce, nobody has to know whom to choose."""

from __future__ import annotations

from pathlib import Path

import yaml

from bankloop.kit.located import read_located

# The limits that the simulated bank's files write are those of so many customers.
FULL_SIZE = 300_000


def in_proportion(folder: Path, customers: int) -> None:
    """Scale the limits of a bank's files to its customers: budgets, stocks, what channels do in a day.

    What people do scales by itself: their minutes are counted by manager.
    """
    share = customers / FULL_SIZE

    def least(value: float) -> int:
        return max(1, round(value * share))

    policies = read_located(folder / "policies.yaml").content
    for channel in policies["channels"].values():
        if "per_day" in channel:
            channel["per_day"] = least(channel["per_day"])
    pool = read_located(folder / "benefits.yaml").content
    for benefit in pool["benefits"]:
        benefit["stock"] = least(benefit["stock"])
    files = {folder / "policies.yaml": policies, folder / "benefits.yaml": pool}
    for path in sorted((folder / "campaigns").glob("*.yaml")):
        campaign = read_located(path).content
        if "budget" in campaign["reach"]:
            amount, currency = campaign["reach"]["budget"].split()
            campaign["reach"]["budget"] = f"{least(float(amount))} {currency}"
            files[path] = campaign
    for path, content in files.items():
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
