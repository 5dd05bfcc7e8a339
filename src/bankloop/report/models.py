"""Models as people see them: cards, versions, what was watched, calibration, the top of a list, offers for one customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bankloop.customer.consent import Content
from bankloop.kit.text import Text
from bankloop.loop.offering.offers import NextOffers, Ranked
from bankloop.loop.offering.slots import Slot
from bankloop.loop.spec import Product
from bankloop.store.contracts import ModelVersion
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone

_STATES: Mapping[str, tuple[Text, Tone]] = {
    "champion": (Text("现任", "champion"), Tone.GOOD),
    "retired": (Text("退役", "retired"), Tone.PLAIN),
    "draft": (Text("候选", "candidate"), Tone.WARN),
}
_DASH = say.same("—")
FORECAST = Text(
    "预测：客户自己会怎样，不说明触达有没有用。按批准的版本打分，结果是带版本和日期的标签。",
    "A forecast: what customers do by themselves, not whether a contact helps. The approved version's scores are an attribute with "
    "version and day.",
)
AMOUNT = Text(
    "金额：达成目标的客户预计多少钱；AUC 和 KS 按高于中位数与否，lift 为前 10% 的平均金额比总平均。",
    "An amount: how much money a success is expected to be; AUC and KS are of amounts above the median, lift is the mean amount of "
    "the top tenth over the mean.",
)
NOT_CAUSAL = Text(
    "尚非因果：训练数据不是随机分配的，“意愿高”可能只说明谁本来就会来；提升是写明的先验，随机一轮之后才由数据学出。",
    "Not yet causal: the training data were not randomised, so a high score may only say who would have come anyway; the uplift "
    "is a stated prior, learned from data only after a randomised round.",
)
CAUSAL = Text(
    "因果：提升由随机分配的轮次学出，区间随样本收窄。",
    "Causal: the uplift was learned from rounds where chance decided.",
)


def lift_picture(champions: Sequence[ModelVersion], titles: Mapping[str, Text]) -> Picture | None:
    """Return lift@10% of the champions, on rows held out from training."""
    if not champions:
        return None
    bars = tuple(
        Bar(titles.get(one.campaign, say.same(one.campaign)), float(one.card["lift_at_10"]), say.same(f"{one.card['lift_at_10']:.2f}×"), BarRole.CHOSEN)
        for one in champions
    )  # fmt: skip
    best = max(champions, key=lambda one: one.card["lift_at_10"])
    name, lift = titles.get(best.campaign, say.same(best.campaign)), f"{best.card['lift_at_10']:.2f}"
    alt = Text(
        f"留出样本上，{name.zh}的前 10% 客户达成目标的比例是平均的 {lift} 倍。",
        f"On rows held out, the top tenth of {name.en} reaches its goal {lift} times as often as the average.",
    )
    title = Text("前 10% 名单有多准（留出样本）", "How good the top tenth is (rows held out)")
    return Picture("lift", title, alt, Bars(bars), alt)


def versions_table(versions: Sequence[ModelVersion]) -> Table:
    """Return the registry of one model: every version with its standing and its data."""
    rows = []
    for one in versions:
        state, tone = _STATES.get(one.state, (say.same(one.state), Tone.PLAIN))
        start, end = one.card["window"]
        rounds = ", ".join(str(r) for r in one.card.get("rounds", ())) or "—"
        rows.append(
            (
                Cell(say.same(f"v{one.version}")),
                Cell(state, tone, tag=True),
                Cell(_standing(one.card)),
                Cell(say.count(one.card["rows"])),
                Cell(say.same(rounds)),
                Cell(say.same(f"{one.card['auc']:.3f}")),
                Cell(say.same(f"{one.card['lift_at_10']:.2f}×")),
                Cell(say.same(f"{one.card['psi']:.2f}")),
                Cell(Text(f"{start} 至 {end}", f"{start} to {end}")),
            )
        )
    columns = (
        Column(Text("版本", "Version")),
        Column(Text("状态", "State")),
        Column(Text("效力", "Standing")),
        Column(Text("样本", "Rows"), number=True),
        Column(Text("学过的轮次", "Rounds learned")),
        Column(say.same("AUC"), number=True),
        Column(say.same("lift@10%"), number=True),
        Column(say.same("PSI"), number=True),
        Column(Text("样本期", "Window")),
    )
    return Table("versions", Text("版本登记", "Registry"), columns, tuple(rows))


def _standing(card: Mapping[str, Any]) -> Text:
    if card["kind"] == "forecast":
        return Text("预测", "forecast")
    if card["kind"] == "amount":
        return Text("金额", "amount")
    return Text("因果", "causal") if card["causal"] else Text("尚非因果", "not yet causal")


def alerts_table(alerts: Mapping[str, Mapping[str, Mapping[str, object]]], titles: Mapping[str, Text]) -> Table | None:
    """Return what drift has asked for, by campaign and kind, as the campaign's eighth step keeps it."""
    rows = []
    for name, found in alerts.items():
        for kind, one in found.items():
            said = one.get("said", {})
            assert isinstance(said, Mapping)
            words = Text(str(said.get("zh", "")), str(said.get("en", "")))
            rows.append(
                (
                    Cell(titles.get(name, say.same(name)), drill=f"models/{name}"),
                    Cell(say.same(kind)),
                    Cell(say.same(str(one.get("value"))), Tone.BAD),
                    Cell(say.same(str(one.get("limit")))),
                    Cell(words),
                )
            )
    if not rows:
        return None
    columns = (
        Column(Text("模型", "Model")),
        Column(Text("看什么", "What")),
        Column(Text("实测", "Measured"), number=True),
        Column(Text("限值", "Limit"), number=True),
        Column(Text("要做什么", "What to do")),
    )
    return Table("alerts", Text("漂移告警", "Drift"), columns, tuple(rows))


def calibration_table(card: Mapping[str, object]) -> Table | None:
    """Return the mean score against the observed rate by tenths, on rows held out."""
    bins = card.get("calibration")
    if not isinstance(bins, Sequence) or not bins:
        return None
    said = say.money if card["kind"] == "amount" else _percent
    rows = tuple(
        (
            Cell(say.same(str(number))),
            Cell(say.count(one["rows"])),
            Cell(said(one["score"])),
            Cell(said(one["rate"])),
            Cell(_span(one, said)),
        )
        for number, one in enumerate(bins, 1)
    )
    columns = (
        Column(Text("十分位", "Tenth")),
        Column(Text("行", "Rows"), number=True),
        Column(Text("模型说", "Model says"), number=True),
        Column(Text("实际", "Observed"), number=True),
        Column(Text("实际的 95% 区间", "Its 95 % interval"), number=True),
    )
    return Table("calibration", Text("校准（留出样本）", "Calibration (rows held out)"), columns, rows)


def _span(one: Mapping[str, float], said: Callable[[float], Text]) -> Text:
    if "low" not in one:
        return _DASH
    low, high = said(one["low"]), said(one["high"])
    return Text(f"{low.zh} – {high.zh}", f"{low.en} – {high.en}")


def _percent(rate: float) -> Text:
    return say.percent(rate, 2)


def made_table(versions: Sequence[ModelVersion]) -> Table:
    """Return what every version was made of: digests of its rows, of the code that trained it, of the lock, of the artefact."""
    rows = tuple(
        (
            Cell(say.same(f"v{one.version}")),
            Cell(say.same(one.card.get("learner", "—")) if one.card["causal"] else _DASH),
            *(Cell(say.same(str(one.card.get(key, ""))[:12] or "—")) for key in ("data", "code", "lock")),
            Cell(say.same(one.artefact_digest[:12])),
            Cell(say.same(one.card.get("version") or "—")),
            Cell(say.same(str(one.card["seed"]))),
        )
        for one in versions
    )
    columns = (
        Column(Text("版本", "Version")),
        Column(Text("学习器", "Learner")),
        Column(Text("样本散列", "Rows")),
        Column(Text("代码散列", "Code")),
        Column(Text("锁散列", "Lock")),
        Column(Text("文件散列", "Artefact")),
        Column(Text("程序版本", "Package")),
        Column(Text("种子", "Seed"), number=True),
    )
    note = Text(
        "同样的样本、代码和种子得到同一张卡、同一个文件。还没有锁的首个模型记的是战役文件。",
        "The same rows, code and seed give the same card and the same artefact. Before there is a lock, that of the campaign's file.",
    )
    return Table("made", Text("由什么做成", "What it was made of"), columns, rows, note)


def learners_table(card: Mapping[str, Any]) -> Table | None:
    """Return how the learners compare on rows that none of them saw; None where nothing was compared."""
    gains = card.get("gains") or {}
    if not gains:
        return None
    chosen = card.get("learner")
    rows = tuple(
        (
            Cell(say.same(name)),
            Cell(Text("选用", "chosen"), Tone.GOOD, tag=True) if name == chosen else Cell(_DASH),
            Cell(say.same(f"{one['mean']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]".replace("-", "−"))),
        )
        for name, one in sorted(gains.items(), key=lambda pair: -pair[1]["mean"])
    )
    columns = (
        Column(Text("学习器", "Learner")),
        Column(Text("选用", "Chosen")),
        Column(Text("误差比分群后验少（每位客户）", "Error below the segments', a customer"), number=True),
    )
    why = card.get("why") or {}
    return Table(
        "learners",
        Text("学习器的比较", "The learners compared"),
        columns,
        rows,
        Text(why.get("zh", ""), why.get("en", "")),
    )


def top_table(ranked: Sequence[Ranked], reasons: Mapping[str, Sequence[Text]], mask: Mapping[str, str]) -> Table:
    """Return the top of a list, masked: chance, what the best action adds, why."""
    rows = tuple(
        (
            Cell(say.same(mask[one.customer_no])),
            Cell(say.percent(one.chance, 1)),
            Cell(say.points(one.adds)),
            Cell(_joined(reasons.get(one.customer_no, ()))),
        )
        for one in ranked
        if one.customer_no in mask
    )
    columns = (
        Column(Text("客户", "Customer")),
        Column(Text("不触达也会达成", "Would reach the goal alone"), number=True),
        Column(Text("最好的动作能加", "Best action adds"), number=True),
        Column(Text("为什么", "Why")),
    )
    note = Text(
        "按意愿排的名单；该不该触达由方案按增量价值决定。理由不含客户的数值。",
        "A list by chance; whom to contact the plan decides by incremental value. Reasons hold none of the customer's values.",
    )
    return Table("top", Text("前 10% 名单", "The top tenth"), columns, rows, note)


def offers_table(found: NextOffers) -> Table:
    """Return the next best offers of one customer, what is locked with its reason, and the invitation."""
    rows = [
        (Cell(one.product.title.text), Cell(Text("可推介", "open"), Tone.GOOD, tag=True), Cell(_joined(one.why)))
        for one in found.offers
    ]
    if found.refused is not None:
        none = Text("不推介", "no offers")
        rows.append((Cell(say.same("—")), Cell(none, Tone.WARN, tag=True), Cell(found.refused)))
    if found.invited:
        words = Text(
            "没有有效的风险测评：先邀请测评，不提产品", "no valid risk assessment: invite to one, naming no product"
        )
        rows.append((Cell(Text("风险测评邀请", "Invitation to a risk assessment")), Cell(Text("先做", "first"), Tone.ACCENT, tag=True), Cell(words)))  # fmt: skip
    rows += [
        (Cell(one.product.title.text), Cell(Text("锁定", "locked"), Tone.BAD, tag=True), Cell(one.reason))
        for one in found.locked
    ]
    columns = (Column(Text("产品", "Product")), Column(Text("状态", "State")), Column(Text("理由", "Why")))
    note = (
        None
        if found.personal
        else Text(
            "客户已关闭个性化：按产品目录顺序，人人相同。",
            "The customer declined personalisation: the catalogue's order, the same for everybody.",
        )
    )
    return Table("offers", Text("下一步推介", "Next best offers"), columns, tuple(rows), note)


def slot_table(slot: Slot) -> Table:
    """Return both lists of a slot side by side, and which of them the customer sees."""
    places = max(len(slot.chosen), len(slot.generic))
    rows = tuple(
        (Cell(say.count(place + 1)), *(_placed(shown, place) for shown in (slot.chosen, slot.generic)))
        for place in range(places)
    )
    columns = (Column(Text("位置", "Place")), Column(Text("A：为其挑选", "A: chosen for them")), Column(Text("B：人人相同", "B: the same for all")))  # fmt: skip
    return Table("slot", Text("场景位预览", "What the app shows"), columns, rows, _SLOT[slot.content])


def _placed(shown: Sequence[Product], place: int) -> Cell:
    return Cell(shown[place].title.text if place < len(shown) else say.same("—"))


_SLOT: Mapping[Content, Text] = {
    Content.PERSONAL: Text("该客户看到 A。", "This customer sees A."),
    Content.GENERIC: Text("该客户看到 B：没有同意营销，或已关闭个性化；不调用模型，人人同一份。", "This customer sees B: no consent to marketing, or personalisation closed; no model is asked, and all see the same."),
    Content.NONE: Text("什么都不展示：客户要求停止全部营销。", "Nothing is shown: the customer stopped all marketing."),
}  # fmt: skip


def _joined(said: Sequence[Text]) -> Text:
    return Text("；".join(one.zh for one in said) or "—", "; ".join(one.en for one in said) or "—")
