"""The library of plays (策略库) on an open bank: each with the last reading of its campaigns, and what it earned where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Reading
from bankloop.loop.spec import Play, read_plays
from bankloop.store.contracts import Principal
from bankloop.store.registry import read_results

# 客户, 产品, 旅程, 场景: by which the library is searched.
DIMENSIONS = {
    "customer": Text("客户", "Customer"),
    "product": Text("产品", "Product"),
    "journey": Text("旅程", "Journey"),
    "scene": Text("场景", "Scene"),
}


@dataclass(frozen=True, slots=True)
class PlayRecord:
    """A play with the newest reading of each of its campaigns; one that was never run has none."""

    play: Play
    readings: tuple[Reading, ...]

    @property
    def incremental(self) -> float:
        """Return the money that its campaigns' newest readings say it brought, fen, where it was read."""
        return sum(one.money.incremental.value for one in self.readings if one.money.incremental is not None)

    def earned_by_branch(self) -> dict[str, float]:
        """Return the incremental money by branch, fen, where it was read."""
        found: dict[str, float] = {}
        for reading in self.readings:
            for cut in reading.of("branch"):
                if cut.incremental is not None:
                    found[cut.key] = found.get(cut.key, 0.0) + cut.incremental.value
        return found


def plays_of(bank: Bank) -> tuple[Play, ...]:
    """Return the bank's library of plays."""
    return read_plays(bank.folder, bank.spec.campaigns, bank.spec.products, bank.catalogue.types)


def play_records(bank: Bank, principal: Principal, filters: Sequence[tuple[str, str]] = ()) -> tuple[PlayRecord, ...]:
    """Return the plays that meet every filter (dimension, words), in either language, with what each earned."""
    for dimension, _ in filters:
        if dimension not in DIMENSIONS:
            raise NotFoundError(
                "play.no_dimension",
                Text("不能按 {name} 查；可以按 {known}", "plays are not filtered by {name}; they are by {known}"),
                name=dimension,
                known=", ".join(f"{key}/{title.zh}" for key, title in DIMENSIONS.items()),
            )
    with bank.store.begin(principal) as connection:
        stored = read_results(connection)
    newest: dict[str, Reading] = {}
    for row in stored:  # by campaign, round and day: the last one stays
        newest[row.campaign] = evaluation.reading_of(row.reading)
    chosen = [one for one in plays_of(bank) if all(_meets(bank, one, name, words) for name, words in filters)]
    return tuple(PlayRecord(one, tuple(newest[c] for c in one.campaigns if c in newest)) for one in chosen)


def values_of(bank: Bank, play: Play, dimension: str) -> tuple[Text, ...]:
    """Return what a play stands under in one dimension."""
    if dimension == "product":
        products = bank.spec.products
        return tuple(products[key].title.text if key in products else Text(key, key) for key in play.products)
    return ({"customer": play.customer, "journey": play.journey, "scene": play.scene}[dimension].text,)


def dimension_of(words: str) -> str:
    """Return a dimension by its key or its title in either language; the words themselves where there is none."""
    said = words.strip().lower()
    return next((key for key, title in DIMENSIONS.items() if said in (key, title.zh, title.en.lower())), words)


def _meets(bank: Bank, play: Play, dimension: str, words: str) -> bool:
    wanted = words.strip().lower()
    keys = [key.lower() for key in play.products] if dimension == "product" else []
    said = [side.lower() for value in values_of(bank, play, dimension) for side in (value.zh, value.en)]
    return any(wanted in one for one in (*said, *keys))
