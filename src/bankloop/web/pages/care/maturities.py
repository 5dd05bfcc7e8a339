"""The maturity calendar as values: what matures by week, what is forecast, what is at stake, whose step has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bankloop.care.maturity import Maturing, MaturityPolicy, maturing, read_care
from bankloop.kit.text import Text
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.front_words import FRONT_WORDS

# The most pressing that one page shows.
_MOST = 40
_KINDS = {"term_deposit": Text("定存", "term deposit"), "wealth": Text("理财", "wealth")}


@dataclass(frozen=True, slots=True)
class MaturityPage:
    """One screen: the answer, figures, what is at stake by week, the maturities by day; how the forecast was made."""

    answer: Text
    figures: tuple[Figure, ...]
    picture: Picture | None
    table: Table
    basis: Text
    more: int


def maturity_page(console: Console, principal: Principal) -> MaturityPage:
    """Return the maturities of the customers that somebody sees; balances of single customers show as their band alone."""
    today, policy = console.today, read_care(console.folder).maturity
    rows = _seen(console, principal, maturities_of(console))
    soon = [one for one in rows if one.matures_on <= today + timedelta(days=7)]
    stake = sum(one.value_fen for one in rows)
    answer = Text(
        f"{policy.ahead_days} 天内 {len(rows):,} 笔到期，在险年贡献 {say.money(stake).zh}；7 天内 {len(soon):,} 笔。",
        f"{len(rows):,} maturities within {policy.ahead_days} days put {say.money(stake).en} a year at stake; {len(soon):,} within 7.",
    )
    renewing = sum(one.auto_renew for one in rows)
    figures = (
        Figure(Text("在险年贡献", "At stake, a year"), say.money(stake)),
        Figure(Text("到期笔数", "Maturities"), say.count(len(rows)), Text(f"{renewing:,} 笔自动转存", f"{renewing:,} renew by themselves")),
        Figure(Text("7 天内", "Within 7 days"), say.count(len(soon))),
    )  # fmt: skip
    shown = sorted(rows, key=lambda one: (one.matures_on, -one.value_fen))[:_MOST]
    return MaturityPage(answer, figures, _picture(rows, today), _table(shown, policy), _basis(rows, policy), max(len(rows) - _MOST, 0))  # fmt: skip


def maturities_of(console: Console) -> list[Maturing]:
    """Return the bank's maturities, read once for a day and a load; who shows them narrows them to whom they may show."""
    policy, today, lake = read_care(console.folder).maturity, console.today, console.bank.lake
    versions = tuple(sorted(lake.current_versions().items()))

    def make() -> list[Maturing]:
        with console.reading() as connection:
            return maturing(connection, lake, policy, today)

    return console.scores.get(("maturing", today, policy, versions), make)


def _seen(console: Console, principal: Principal, rows: Sequence[Maturing]) -> list[Maturing]:
    if EVERY_UNIT in principal.units and not principal.book:
        return list(rows)
    numbers = console.seen_by(principal)
    seen = set(numbers.to_pylist()) if numbers is not None else set()
    return [one for one in rows if one.customer_no in seen]


def _picture(rows: Sequence[Maturing], today: date) -> Picture | None:
    if not rows:
        return None
    weeks: dict[date, int] = {}
    for one in rows:
        begin = today + timedelta(days=7 * ((one.matures_on - today).days // 7))
        weeks[begin] = weeks.get(begin, 0) + one.value_fen
    most = max(*weeks.values(), 1)
    bars = tuple(
        Bar(Text(f"{day:%m-%d} 起", f"from {day:%m-%d}"), fen / most, say.money(fen))
        for day, fen in sorted(weeks.items())
    )
    title = Text("每周在险年贡献", "At stake by week, a year")
    return Picture("weeks", title, title, Bars(bars))


def _table(rows: Sequence[Maturing], policy: MaturityPolicy) -> Table:
    cells = tuple(
        (
            Cell(say.same(masked(one.customer_no)), drill=f"customers/{one.customer_no}"),
            Cell(say.same(f"{one.matures_on:%m-%d}")),
            Cell(say.money(one.value_fen)),
            Cell(_KINDS.get(one.product_class, say.same(one.product_class))),
            Cell(_band(one, policy)),
            Cell(Text("自动转存", "renews") if one.auto_renew else Text("不转存", "does not"), Tone.PLAIN if one.auto_renew else Tone.WARN, tag=True),
            Cell(say.percent(one.forecast.kept_ppm / 1_000_000, 0) if one.forecast.kept_ppm is not None else say.same("—")),
        )
        for one in rows
    )  # fmt: skip
    columns = (
        Column(Text("客户", "Customer")), Column(Text("到期日", "Matures on")),
        Column(Text("在险年贡献", "At stake, a year"), number=True), Column(Text("类别", "Kind")),
        Column(Text("余额档", "Size")), Column(Text("转存", "Renewal")),
        Column(Text("预计留存", "Expected to stay"), number=True),
    )  # fmt: skip
    return Table("maturities", FRONT_WORDS["maturities"], columns, cells)


def _band(one: Maturing, policy: MaturityPolicy) -> Text:
    edges = [0, *policy.bands_fen]
    place = policy.band_of(one.balance_fen)
    low = say.money(edges[place])
    if place + 1 == len(edges):
        return Text(f"{low.zh} 以上", f"from {low.en}")
    high = say.money(edges[place + 1])
    return Text(f"{high.zh} 以下" if not place else f"{low.zh} 至 {high.zh}", f"below {high.en}" if not place else f"{low.en} to {high.en}")  # fmt: skip


def _basis(rows: Sequence[Maturing], policy: MaturityPolicy) -> Text:
    scored = sorted({one.forecast.model for one in rows if one.forecast.model})
    if scored:
        count, names = sum(bool(one.forecast.model) for one in rows), ", ".join(scored)
        rest = _basis([one for one in rows if not one.forecast.model], policy)
        return Text(
            f"{count:,} 笔的预计留存来自已批准的模型 {names}（模型页有它的卡）。其余：{rest.zh}",
            f"What is expected to stay of {count:,} is said by the approved model {names}, whose card is on the page Models. Of the rest: {rest.en}",
        )
    known = {one.forecast for one in rows if one.forecast.kept_ppm is not None}
    matured, kept = sum(one.matured for one in known), sum(one.kept for one in known)
    if not known:
        return Text(
            "没有到期留存的历史，按全部在险计。", "There is no history of maturities: all of it counts as at stake."
        )
    return Text(
        f"预计留存按本行近 {policy.history_days} 天同金额档的到期计算（这些档共到期 {matured:,} 笔，一个月后仍在 {kept:,} 笔），档内样本少时向全行靠拢；不区分是否自动转存，理财没有历史，按全部在险计。",
        f"Expected to stay: of this bank's maturities of the same size in {policy.history_days} days ({matured:,} in these bands, {kept:,} still here a month later), drawn to the whole bank where a band has few; renewing by itself is not told apart there, and wealth products have no history: all of them counts as at stake.",
    )  # fmt: skip
