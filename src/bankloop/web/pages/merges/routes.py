"""The steward's queue: pairs that the program did not decide, side by side with what agrees; merges made, and their undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from bankloop.customer.identity import (
    WHYS,
    Conflict,
    Integration,
    MatchCandidate,
    PartyView,
    candidates,
    conflicts,
    decide_candidate,
    integration,
    merges,
    open_party,
    undo_merge,
)
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Picture, Table
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.words import MORE_WORDS

_ON_PAGE = 50
_START = Text(
    "总分量另减去起点：任意两条记录很少是同一人。",
    "The whole weight starts below nought: any two records are seldom one person.",
)
# The lines and registers of most banks; another one is called as bank.yaml calls it.
LINES: Mapping[str, Text] = {
    "retail": Text("零售", "retail"),
    "corporate": Text("公司", "corporate"),
    "acquiring": Text("收单", "acquiring"),
}
REGISTERS: Mapping[str, Text] = {
    "core": Text("核心系统", "core"),
    "legal_representatives": Text("法定代表人", "legal representatives"),
    "merchant_owners": Text("商户负责人", "shop owners"),
}
FIELDS: Mapping[str, Text] = {
    "name": Text("姓名", "Name"),
    "birth": Text("出生日期", "Birth date"),
    "gender": Text("性别", "Gender"),
    "phone": Text("电话", "Phone"),
    "email": Text("电子邮箱", "E-mail"),
    "address": Text("地址", "Address"),
    "document": Text("证件", "Document"),
    "document_no": Text("证件号码", "Document number"),
    "document_type": Text("证件类型", "Document type"),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/merges")
    def queue(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "merge.read")
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            waiting, made = candidates(connection, limit=_ON_PAGE), merges(connection, limit=_ON_PAGE)
            joined, differ = integration(connection), conflicts(connection)
        return page(
            request, "merges.html", at="merges", waiting=_waiting(waiting), made=made, answer=_answer(waiting),
            joined=integration_table(joined), differ=conflicts_table(differ),
        )  # fmt: skip

    @app.get("/merges/{candidate_id}")
    def pair(request: Request, candidate_id: UUID, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "merge.decide")
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            found = next((c for c in candidates(connection, limit=10_000) if c.candidate_id == candidate_id), None)
            if found is None:
                raise errors.no_choice("candidate", str(candidate_id), "/merges")
            sides = [open_party(connection, found.a), open_party(connection, found.b)]
        return page(
            request, "merge.html", at="merges", found=found, why=WHYS.get(found.why, say.same(found.why)),
            beside=_beside(sides), weighed=_weighed(found),
        )  # fmt: skip

    @app.post("/merges/{candidate_id}")
    def decide(request: Request, candidate_id: UUID, form: Form, visitor: Acting) -> RedirectResponse:
        if form.get("decision") not in ("same", "apart"):
            raise errors.no_choice("decision", form.get("decision", "")[:16], "same, apart")
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            decide_candidate(connection, candidate_id, form["decision"] == "same", form.get("reason", ""))
        return RedirectResponse("/merges", 303)

    @app.post("/merges/undo/{event_id}")
    def undo(request: Request, event_id: UUID, form: Form, visitor: Acting) -> RedirectResponse:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            undo_merge(connection, form.get("number", "")[:64], form.get("reason", ""), event_id)
        return RedirectResponse("/merges#made", 303)


def _answer(waiting: Sequence[MatchCandidate]) -> Text:
    count = f"{len(waiting)}{'+' if len(waiting) == _ON_PAGE else ''}"
    return Text(f"{count} 对等待判定，最像的在前。", f"{count} pairs wait to be judged, the likeliest first.")


def _waiting(found: Sequence[MatchCandidate]) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"{one.a} + {one.b}"), drill=f"merges/{one.candidate_id}"),
            Cell(say.same(f"{one.weight:.1f}")),
            Cell(WHYS.get(one.why, say.same(one.why))),
            Cell(say.same(f"{one.made_at:%Y-%m-%d}")),
        )
        for one in found
    )
    columns = (
        Column(Text("两条记录", "Two records")), Column(Text("分量（比特）", "Weight (bits)"), number=True), Column(Text("为什么等人判", "Why it waits")),
        Column(Text("自", "Since")),
    )  # fmt: skip
    note = Text("每一比特使“同一人”的可能翻一倍。", "Each bit doubles the odds that they are one person.")
    return Table("waiting", MORE_WORDS["merge_queue"], columns, rows, note)


def _beside(sides: Sequence[PartyView]) -> Table:
    """Return both parties' values field by field, masked as the steward may see them, each with its source."""
    mine = [{one.field: one for one in side.values} for side in sides]
    names = sorted({*mine[0], *mine[1]}, key=lambda name: (list(FIELDS).index(name) if name in FIELDS else 99, name))
    rows = []
    for name in names:
        pair = [side.get(name) for side in mine]
        cells = [Cell(say.same(f"{one.value} · {one.source}" if one else "—")) for one in pair]
        rows.append((Cell(FIELDS.get(name, say.same(name))), *cells))
    columns = (Column(Text("字段", "Field")), *(Column(say.same(side.party.party_no)) for side in sides))
    return Table("beside", Text("并排比较", "Side by side"), columns, tuple(rows))


def _weighed(found: MatchCandidate) -> Picture | None:
    """Return what each field says for and against, in bits."""
    bits = {
        name: float(value)
        for name, value in found.evidence.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if not bits:
        return None
    most = max(max(abs(value) for value in bits.values()), 1.0)
    rows = []
    for name, value in sorted(bits.items(), key=lambda pair: -pair[1]):
        side = Text("支持", "for") if value >= 0 else Text("反对", "against")
        shown = Text(f"{side.zh} {abs(value):.1f}", f"{side.en} {abs(value):.1f}")
        rows.append(Bar(FIELDS.get(name, say.same(name)), abs(value) / most, shown))
    said = Text(
        "；".join(f"{row.label.zh} {row.said.zh}" for row in rows),
        "; ".join(f"{row.label.en} {row.said.en}" for row in rows),
    )
    return Picture(
        "weighed", Text("各字段的分量（比特）", "What each field weighs (bits)"), said, Bars(tuple(rows)), _START
    )


def integration_table(found: Sequence[Integration]) -> Table:
    """Return how far each register is one customer with those of other lines."""
    rows = tuple(
        (Cell(_register(one.source)), Cell(_line(one.line)), Cell(say.count(one.records)), Cell(_joined(one)))
        for one in found
    )
    columns = (
        Column(Text("登记簿", "Register")), Column(Text("条线", "Line")), Column(Text("记录", "Records"), number=True),
        Column(Text("与各条线同一客户", "One customer with a record of")),
    )  # fmt: skip
    return Table("joined", Text("跨条线融合", "Business lines as one customer"), columns, rows)


def _joined(one: Integration) -> Text:
    parts = [(say.percent(one.share(line) / 1_000_000), _line(line)) for line in sorted(one.joined)]
    zh = "，".join(f"{share.zh} {line.zh}" for share, line in parts)
    return Text(zh or "—", ", ".join(f"{share.en} {line.en}" for share, line in parts) or "—")


def _line(name: str) -> Text:
    return LINES.get(name, say.same(name))


def _register(name: str) -> Text:
    return REGISTERS.get(name, say.same(name))


def conflicts_table(found: Sequence[Conflict]) -> Table:
    """Return where registers contradict each other about the customers that they share, the most first."""
    rows = tuple(
        (Cell(FIELDS.get(one.field, say.same(one.field))), Cell(_register(one.one)), Cell(_register(one.other)), Cell(say.count(one.compared)), Cell(say.count(one.differ)))
        for one in found[:_ON_PAGE]
    )  # fmt: skip
    columns = (
        Column(Text("字段", "Field")), Column(Text("一方", "One register")), Column(Text("另一方", "The other")),
        Column(Text("可比", "Compared"), number=True), Column(Text("不一致", "Differ"), number=True),
    )  # fmt: skip
    return Table("differ", Text("同一客户的矛盾", "Contradictions about one customer"), columns, rows)
