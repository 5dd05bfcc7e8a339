"""The words of who leads: daily report, targets, board, scorecards of people."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

LEAD_WORDS: Mapping[str, Text] = {
    "daily": Text("日报", "Daily report"),
    "no_daily": Text(
        "还没有日报：每天 8:30 报前一天，先要有入湖的余额。现在就要，请运行 bankloop daily make。",
        "There is no daily report yet: each day at 08:30 it tells of the day before, once balances are loaded. "
        "To have it "
        "now, run bankloop daily make.",
    ),
    "past_day": Text("哪一天", "Day"),
    "journeys": Text("旅程与留存", "Journeys and retention"),
    "no_journeys": Text(
        "还没有客户数据；先装载客户与事件，这里就有留存和旅程漏斗。",
        "No customers are loaded yet: load customers and events, and retention and funnels stand here.",
    ),
    "credits": Text("个人积分卡", "Scorecards"),
    "no_credits": Text("今年还没有业绩归属。", "There is no credit yet this year."),
    "record_credit": Text("登记业绩归属", "Record credit"),
    "credit_note": Text(
        "联合成交按份额记给各人，如 0.6 与 0.4；合计不能超过 1，同一编号再登记是往上加。",
        "A joint sale is credited by shares such as 0.6 and 0.4, never more than 1 together; the same number "
        "again adds to it.",
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
        "What is queued of a paused campaign waits; a killed one sends nothing more and its tasks are taken "
        "back: compliance may.",
    ),
    "more_later": Text("笔更晚到期", "that mature later"),
    "more_rows": Text("项未列出，按价值排在后面", "more that are not shown, of less value"),
    "targets": Text("目标", "Targets"),
    "targets_lead": Text(
        "总行下目标，按权重逐级分到分行、支行、客户经理；各级之和总是相等。",
        "Head office sets targets; weights split them to branches, sub-branches and managers. The sums are "
        "exact at every level.",
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
    "agreements": Text("共享协议", "Sharing agreements"),
    "agreements_lead": Text(
        "条线之间、与子公司之间共享客户信息：写明用途、字段和期限，由他人批准，客户同意后才展示；到期即止，每次打开和拒绝都留痕。",
        "What lines and subsidiaries share of customers: for a purpose, named fields, until a day, agreed to "
        "by another person and shown with the customer's consent. It ends by itself, and each look or refusal "
        "is on the trail.",
    ),
    "no_agreements": Text("还没有共享协议。", "There is no sharing agreement yet."),
    "propose_agreement": Text("提出协议", "Propose an agreement"),
    "propose_note": Text("由他人批准后生效。", "It holds once another person has agreed to it."),
    "agreement_no": Text("协议号", "Number"),
    "owner_line": Text("谁的客户", "Whose customers"),
    "to_line": Text("共享给", "Shared with"),
    "to_unit_may": Text("只给这个机构（可空）", "With this unit alone (may be empty)"),
    "purpose": Text("用途", "Purpose"),
    "fields_shared": Text("共享的字段", "Fields shared"),
    "valid_to": Text("有效至", "Until"),
    "needs_consent": Text("客户同意", "Consent"),
    "yes_each": Text("每位客户同意后才展示", "shown with each customer's consent"),
    "no_consent": Text("不需要", "not needed"),
    "by_motive": Text("按活动动机筛选", "By motive of the campaign"),
    "every_motive": Text("全部动机", "All motives"),
    "filter": Text("筛选", "Filter"),
    "proposal": Text("组合建议", "Proposal"),
    "proposal_lead": Text(
        "一份建议同时给企业主和他的企业：每个产品各自判断，对公产品要有对公条线的权限。",
        "One proposal for an owner and their company: each product has its own result, and a corporate one "
        "takes the right to that line.",
    ),
    "bundle": Text("组合", "Bundle"),
    "own_company": Text("他的企业", "Their company"),
    "see": Text("查看", "Show"),
    "no_bundles": Text(
        "货架上没有组合；产品经理可以在“产品组合”页新建。",
        "There is no bundle on the shelf; a product manager makes one on the page of bundles.",
    ),
    "customer_needs": Text("客户方案", "What they need"),
    "basic_gaps": Text("基础产品缺口", "Gaps in basic products"),
    "bundles": Text("产品组合", "Bundles of products"),
    "bundles_on_shelf": Text("货架上的组合", "Bundles on the shelf"),
    "bundle_note": Text(
        "选两个以上产品为一个组合；风险等级取最高一腿，每条腿各自判断适当性。另一人批准后上架。",
        "Two products or more make a bundle: its rating is the highest leg's, and each leg keeps its own suitability. "
        "It is on the shelf once another person has approved it.",
    ),
    "bundle_rated": Text("组合的风险等级：", "The bundle is rated"),
    "bundle_highest": Text("，取最高一腿。", ", as its highest leg."),
    "bundle_unrated": Text("没有一条腿有风险等级，组合也没有。", "No leg is rated, so the bundle is not."),
    "bundle_new": Text("新建组合", "A new bundle"),
    "bundle_change": Text("修改组合", "Change the bundle"),
    "bundle_key": Text("标识（小写字母、数字和 -）", "Key (small letters, digits and -)"),
    "bundle_zh": Text("中文名称", "Chinese title"),
    "bundle_en": Text("英文名称", "English title"),
    "bundle_line": Text("条线", "Line of business"),
    "bundle_legs": Text("组成", "Legs"),
    "bundle_worth": Text("一次成功十二个月的价值", "What a success is worth over twelve months"),
    "bundle_eligible": Text("另加的条件（可不填）", "A condition beside those of the legs (may be empty)"),
    "bundle_look": Text("先看等级", "See the rating first"),
    "no_licences": Text("没有登记资格或培训。", "No licence or training is on record."),
    "admit_outside": Text("外包人员准入", "Let outside staff in"),
    "admit_outside_note": Text(
        "外包人员要有最后一天和本行在岗的负责人；过了那天或负责人离岗，此人的一切操作都被拒绝。",
        "Outside staff have a last day and a sponsor of the bank's own; after it, or once the sponsor has no post, "
        "everything is refused to them.",
    ),
    "outside_company": Text("公司", "Company"),
    "outside_sponsor": Text("本行负责人（工号）", "Sponsor (staff id)"),
    "record_licence": Text("登记资格或培训", "Record a licence or training"),
    "licence_kind": Text("类别", "Kind"),
    "record_leave": Text("登记休假", "Record leave"),
    "name_backup": Text("指定 B 角", "Name who stands in"),
    "state": Text("状态", "State"),
    "gates": Text("每一环节的关口与负责人", "The gate and the owner of each step"),
    "gate_asks": Text("关口要求", "What the gate asks"),
    "gate_owner": Text("负责人", "Who answers for it"),
    "gate_by": Text("谁开的，或在等什么", "Who opened it, or what it waits for"),
    "gate_open": Text("已开", "open"),
    "gate_here": Text("走到这里", "stands here"),
    "gate_shut": Text("未到", "shut"),
    "drafted_from": Text("本轮草稿来自", "This round was drafted from"),
    "documents": Text("附件（可多选）", "Documents (several may be chosen)"),
    "documents_note": Text(
        "留存名称与内容摘要（SHA-256），原件由贵行保管。",
        "Their names and digests (SHA-256) are kept; the documents stay where the bank keeps them.",
    ),
    "by_target": Text("按哪个任务目标下发", "As the tasks of a target"),
    "no_target": Text("不按目标，可用的行都下发", "of none: every usable line is sent down"),
    "by_target_note": Text(
        "选了目标，各机构只得到分给它的件数，价值高的先得；每位客户经理每天的总行任务数（worklist.yaml）：",
        "With a target each unit gets as many as its part of it, the worthiest first; tasks of head office a "
        "manager has on a day (worklist.yaml):",
    ),
    "not_split": Text("还没有往下分解。", "It is not split further yet."),
    "capacity": Text("承接能力", "capacity"),
    "end_target": Text("结束这个目标", "End this target"),
    "own_rules": Text("本地规则", "Our own rules"),
    "own_rules_note": Text(
        "只能在总行范围内：条件与战役的条件同时满足才触达，每周上限不能高过总行的，自加的权益和金额不能超出总行留给分行的。",
        "Within head office's limits: customers must meet the campaign's condition and this one, the cap a week is "
        "never above head office's, and what is added is of the benefits left to branches, up to their frame.",
    ),
    "no_rules": Text("没有本地规则，按总行的执行。", "There are no rules of our own: head office's hold."),
    "every_campaign": Text("全部战役", "All campaigns"),
    "condition": Text("条件（如 age >= 40，可空）", "Condition (such as age >= 40; may be empty)"),
    "withheld": Text("不提供的权益", "Benefit not offered"),
    "none_withheld": Text("按总行方案提供", "as head office plans"),
    "all_withheld": Text("全部权益都不提供", "none of the benefits"),
    "added": Text("自加的权益（总行留给分行的）", "Benefit added (of those left to branches)"),
    "none_added": Text("不自加", "none"),
    "added_yuan": Text("自加权益每期至多（元）", "What it may cost a window (yuan)"),
    "per_week": Text("每位客户每周至多触达（可空）", "Contacts a customer a week, at most (may be empty)"),
    "narrow": Text("收窄", "Narrow"),
    "end_rule": Text("取消", "End"),
}
