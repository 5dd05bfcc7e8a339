"""Every number in the parameter file is used, and says where it is from."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bankloop.simulate import service, world
from bankloop.simulate.parameters import Parameters, read_parameters
from bankloop.simulate.service import write_bank
from bankloop.simulate.world import World


class Spy(dict[str, Any]):
    """A dictionary that remembers what was asked."""

    def __init__(self, values: dict[str, Any], asked: set[str]) -> None:
        super().__init__(values)
        self.asked = asked

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


def test_no_parameter_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def spied(path: Path | None = None) -> Parameters:
        own = read_parameters(path)
        return Parameters(Spy(own.values, asked), own.text)

    monkeypatch.setattr(service, "read_parameters", spied)
    monkeypatch.setattr(world, "read_parameters", spied)
    write_bank(tmp_path, 2000, 1, opening=date(2025, 12, 31))
    people = World.load(tmp_path)
    for campaign in people.campaigns:
        for action in people.actions(campaign):
            population = people.population(campaign)
            people.respond(campaign, 1, date(2026, 11, 22), population, [action] * len(population))
            people.true_lift(campaign, population, [action] * len(population))
    people.advance(tmp_path, [], date(2026, 12, 21))
    # Two channels have no part in the three demo campaigns; a bank's own campaign may use them.
    unused = set(read_parameters().values) - asked - {"channels.bot_call", "channels.remote_seat"}
    assert unused == set()
