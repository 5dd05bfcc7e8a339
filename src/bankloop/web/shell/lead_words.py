"""The words of who leads: daily report, targets, board, scorecards of people."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

LEAD_WORDS: Mapping[str, Text] = {
    "daily": Text("日报", "Daily report"),
    "no_daily": Text(
        "还没有日报：每天 8:30 报前一天，先要有入湖的余额。现在就要，请运行 bankloop daily make。",
        "There is no daily report yet: each day at 08:30 it tells of the day before, once balances are loaded. To have it "
        "now, run bankloop daily make.",
    ),
    "credits": Text("个人积分卡", "Scorecards"),
    "no_credits": Text("今年还没有业绩归属。", "There is no credit yet this year."),
    "record_credit": Text("登记业绩归属", "Record credit"),
    "credit_note": Text(
        "联合成交按份额记给各人，如 0.6 与 0.4；合计不能超过 1，同一编号再登记是往上加。",
        "A joint sale is credited by shares such as 0.6 and 0.4, never more than 1 together; the same number again adds to it.",
    ),
    "deal_key": Text("成交编号", "Number of the deal"),
    "deal_amount": Text("金额（元）", "Amount (yuan)"),
    "deal_day": Text("成交日", "Day of the deal"),
    "share_staff": Text("工号", "Person"),
    "share_line": Text("条线", "Line"),
    "share": Text("份额", "Share"),
    "board": Text("总行看板", "Head-office board"),
    "running": Text("在跑的战役", "What runs now"),
    "no_rounds": Text(
        "还没有跑过一轮：先在轮次页做方案并运行。", "No round was run yet: plan one on the page of rounds, and run it."
    ),
    "kill_note": Text(
        "暂停后未发的等着，恢复后接着发；熔断是合规的权力，未发的不再发，任务一并收回。",
        "What is queued of a paused campaign waits; a killed one sends nothing more and its tasks are taken back: compliance may.",
    ),
    "more_later": Text("笔更晚到期", "that mature later"),
    "more_rows": Text("项未列出，按价值排在后面", "more that are not shown, of less value"),
    "targets": Text("目标", "Targets"),
    "targets_lead": Text(
        "总行下目标，按权重逐级分到分行、支行、客户经理；各级之和总是相等。",
        "Head office sets targets; weights split them to branches, sub-branches and managers. The sums are exact at every level.",
    ),
    "no_targets": Text("还没有目标。", "There is no target yet."),
    "set_target": Text("下达目标", "Set a target"),
    "target_name": Text("名称", "Name"),
    "measure": Text("口径", "Measure"),
    "total": Text("总量（件；金额为元）", "Total (pieces; yuan for money)"),
    "first_day": Text("起", "First day"),
    "last_day": Text("止", "Last day"),
    "weights": Text("各分行权重", "Weights of the branches"),
    "weights_note": Text(
        "都写数（如 5、3、1），或都写百分比（合计 100%）；空的不分。",
        "All plain numbers (5, 3, 1) or all percentages (100% together); who is left empty gets nothing.",
    ),
    "split": Text("往下分解", "Split further"),
    "split_note": Text(
        "重新分解会取代原来的，下级已分的也要重分。",
        "Splitting again replaces what was split before, and what was split below it.",
    ),
    "not_split": Text("还没有往下分解。", "It is not split further yet."),
    "capacity": Text("承接能力", "capacity"),
    "end_target": Text("结束这个目标", "End this target"),
    "own_rules": Text("本地规则", "Our own rules"),
    "own_rules_note": Text(
        "只能在总行范围内收窄：条件与战役的条件同时满足才触达，每周上限不能高过总行的。",
        "Within head office's limits, only narrower: customers must meet the campaign's condition and this one; the cap a week is never above head office's.",
    ),
    "no_rules": Text("没有本地规则，按总行的执行。", "There are no rules of our own: head office's hold."),
    "every_campaign": Text("全部战役", "All campaigns"),
    "condition": Text("条件（如 age >= 40，可空）", "Condition (such as age >= 40; may be empty)"),
    "withheld": Text("不提供的权益", "Benefit not offered"),
    "none_withheld": Text("按总行方案提供", "as head office plans"),
    "all_withheld": Text("全部权益都不提供", "none of the benefits"),
    "per_week": Text("每位客户每周至多触达（可空）", "Contacts a customer a week, at most (may be empty)"),
    "narrow": Text("收窄", "Narrow"),
    "end_rule": Text("取消", "End"),
}
