"""The conformed tables of a bank and their contracts: one line a column, one flat catalogue."""

from __future__ import annotations

from datetime import date

from bankloop.kit.money import MAX_FEN
from bankloop.kit.text import Text
from bankloop.lake.bookkeeping import LOADED_FILE, QUALITY
from bankloop.lake.contracts import ColumnType, ContractColumn, DataClass, TableContract
from bankloop.lake.own_columns import CUSTOMER_EXTRA, EVENT_EXTRA

_STR, _INT, _BOOL, _DATE, _TIME = (
    ColumnType.STR,
    ColumnType.INT,
    ColumnType.BOOL,
    ColumnType.DATE,
    ColumnType.TIMESTAMP,
)
_C2 = DataClass.C2
_UNIT = ("unit", "unit_id")
# Nobody alive was born before; earlier dates are defaults of old core systems (1899-12-31, 1800-01-01).
_EARLIEST_BIRTH = date(1900, 1, 1)

PRODUCT_CLASSES = (
    "demand_deposit",
    "term_deposit",
    "wealth",
    "fund",
    "insurance",
    "credit_card",
    "mortgage",
    "consumer_loan",
    "debit_card",
)

_CUSTOMER = TableContract(
    "customer",
    Text("客户", "customer"),
    "retail",
    ("customer_no",),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn("name_token", _STR, Text("姓名令牌", "name token"), nullable=True, data_class=_C2),
        ContractColumn("phone_token", _STR, Text("手机号令牌", "phone token"), nullable=True, data_class=_C2),
        ContractColumn("phone_valid", _BOOL, Text("手机号有效", "phone valid")),
        ContractColumn(
            "birth_date",
            _DATE,
            Text("出生日期", "birth date"),
            nullable=True,
            data_class=_C2,
            minimum=_EARLIEST_BIRTH,
            not_future=True,
        ),
        ContractColumn("gender", _STR, Text("性别", "gender"), nullable=True, allowed=("F", "M")),
        ContractColumn("region", _STR, Text("地区", "region"), nullable=True),
        ContractColumn("branch_id", _STR, Text("分行", "branch"), references=_UNIT),
        ContractColumn("sub_branch_id", _STR, Text("支行", "sub-branch"), references=_UNIT),
        ContractColumn("manager_id", _STR, Text("客户经理", "relationship manager"), nullable=True),
        ContractColumn("opened_on", _DATE, Text("开户日", "opened on"), not_future=True),
        ContractColumn("employer_id", _STR, Text("代发单位", "payroll employer"), nullable=True),
        ContractColumn("pension", _BOOL, Text("代发养老金", "pension paid here")),
        ContractColumn("merchant_owner", _BOOL, Text("商户主", "merchant owner")),
        ContractColumn("is_staff", _BOOL, Text("本行员工", "staff")),
        ContractColumn("is_staff_relative", _BOOL, Text("员工亲属", "relative of staff")),
        ContractColumn("marketing_consent", _BOOL, Text("营销同意", "marketing consent")),
        ContractColumn("do_not_contact", _BOOL, Text("禁拨", "do not contact")),
        ContractColumn("personalisation_off", _BOOL, Text("关闭个性化", "personalisation off")),
        ContractColumn("app_registered", _BOOL, Text("手机银行注册", "app registered")),
        ContractColumn("push_allowed", _BOOL, Text("允许推送", "push allowed")),
        ContractColumn("wecom_friend", _BOOL, Text("企微好友", "WeCom friend")),
        ContractColumn("frozen", _BOOL, Text("司法冻结", "frozen"), confidential=True),
        ContractColumn("watchlist", _BOOL, Text("反洗钱关注", "AML watch list"), confidential=True),
        ContractColumn("overdue_days", _INT, Text("逾期天数", "days overdue"), minimum=0),
        ContractColumn("complaint_on", _DATE, Text("最近投诉日", "last complaint on"), nullable=True, not_future=True),
        ContractColumn(
            "risk_tolerance", _INT, Text("风险承受能力", "risk tolerance"), nullable=True, minimum=1, maximum=5
        ),
        ContractColumn(
            "risk_assessed_on", _DATE, Text("风险测评日", "risk assessed on"), nullable=True, not_future=True
        ),
        ContractColumn("wallet_bound", _BOOL, Text("已绑卡", "card bound to a wallet")),
        ContractColumn("source", _STR, Text("获客来源", "acquisition source"), nullable=True),
        ContractColumn(
            "acquisition_cost_fen", _INT, Text("获客成本（分）", "acquisition cost (fen)"), minimum=0, maximum=MAX_FEN
        ),
    ),
)

_HOLDING = TableContract(
    "holding",
    Text("持有", "holding"),
    "products",
    ("holding_id",),
    (
        ContractColumn("holding_id", _STR, Text("持有编号", "holding id")),
        ContractColumn("customer_no", _STR, Text("客户号", "customer number"), references=("customer", "customer_no")),
        ContractColumn("product_class", _STR, Text("产品大类", "product class"), allowed=PRODUCT_CLASSES),
        ContractColumn("product_id", _STR, Text("产品", "product")),
        ContractColumn(
            "balance_fen",
            _INT,
            Text("余额（分）", "balance (fen)"),
            data_class=_C2,
            minimum=-MAX_FEN,
            maximum=MAX_FEN,
        ),
        ContractColumn("opened_on", _DATE, Text("开立日", "opened on"), not_future=True),
        ContractColumn("matures_on", _DATE, Text("到期日", "matures on"), nullable=True),
        ContractColumn("auto_renew", _BOOL, Text("自动转存", "renews automatically"), nullable=True),
    ),
)

# What goes out again and again by the customer's own order (定期转账), as it stands.
_STANDING_ORDER = TableContract(
    "standing_order",
    Text("定期转账", "standing order"),
    "payments",
    ("order_id",),
    (
        ContractColumn("order_id", _STR, Text("指令号", "order id")),
        ContractColumn("customer_no", _STR, Text("客户号", "customer number"), references=("customer", "customer_no")),
        ContractColumn("purpose", _STR, Text("用途", "purpose"), nullable=True),
        ContractColumn(
            "amount_fen",
            _INT,
            Text("每次金额（分）", "amount each time (fen)"),
            data_class=_C2,
            minimum=0,
            maximum=MAX_FEN,
        ),
        ContractColumn("opened_on", _DATE, Text("开立日", "opened on"), nullable=True, not_future=True),
    ),
)

# A fund's or a wealth product's value of a day, in millionths of its currency.
_NET_VALUE = TableContract(
    "net_value",
    Text("净值", "net value"),
    "products",
    ("product_id", "day"),
    (
        ContractColumn("product_id", _STR, Text("产品", "product")),
        ContractColumn("day", _DATE, Text("日期", "day"), not_future=True),
        ContractColumn(
            "nav_ppm", _INT, Text("单位净值（百万分之一）", "net value (millionths)"), minimum=1, maximum=MAX_FEN
        ),
    ),
    mode="append",
)

_EVENT = TableContract(
    "event",
    Text("事件", "event"),
    "channels",
    ("source", "event_id"),
    (
        ContractColumn("source", _STR, Text("来源系统", "source system")),
        ContractColumn("event_id", _INT, Text("事件号", "event id")),
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn("type", _STR, Text("类型", "type")),
        ContractColumn("occurred_at", _TIME, Text("发生时间", "occurred at"), not_future=True),
        ContractColumn("recorded_at", _TIME, Text("入账时间", "recorded at"), not_future=True),
        ContractColumn("channel", _STR, Text("渠道", "channel"), nullable=True),
        ContractColumn("scene", _STR, Text("场景", "scene"), nullable=True),
        ContractColumn(
            "amount_fen",
            _INT,
            Text("金额（分）", "amount (fen)"),
            nullable=True,
            data_class=_C2,
            minimum=-MAX_FEN,
            maximum=MAX_FEN,
        ),
    ),
    mode="append",
)

_UNIT_TABLE = TableContract(
    "unit",
    Text("机构", "unit"),
    "organization",
    ("unit_id",),
    (
        ContractColumn("unit_id", _STR, Text("机构号", "unit id")),
        ContractColumn("parent_id", _STR, Text("上级机构", "parent"), nullable=True),
        ContractColumn("kind", _STR, Text("层级", "kind"), allowed=("head_office", "branch", "sub_branch")),
        ContractColumn("name_zh", _STR, Text("中文名", "Chinese name")),
        ContractColumn("name_en", _STR, Text("英文名", "English name")),
    ),
)

_STAFF = TableContract(
    "staff",
    Text("员工", "staff"),
    "organization",
    ("staff_id",),
    (
        ContractColumn("staff_id", _STR, Text("工号", "staff id")),
        ContractColumn("unit_id", _STR, Text("机构", "unit"), references=_UNIT),
        ContractColumn("post", _STR, Text("岗位", "post")),
        ContractColumn("name_token", _STR, Text("姓名令牌", "name token"), nullable=True, data_class=_C2),
        ContractColumn("on_leave", _BOOL, Text("休假", "on leave")),
        ContractColumn("minutes_per_day", _INT, Text("每日可用分钟", "minutes a day"), minimum=0, maximum=1440),
    ),
)

_EMPLOYER = TableContract(
    "employer",
    Text("代发单位", "payroll employer"),
    "corporate",
    ("employer_id",),
    (
        ContractColumn("employer_id", _STR, Text("单位号", "employer id")),
        ContractColumn("name_zh", _STR, Text("名称", "name")),
        ContractColumn("payday", _INT, Text("发薪日", "payday"), minimum=1, maximum=31),
        ContractColumn("unit_id", _STR, Text("机构", "unit"), references=_UNIT),
    ),
)

_CORPORATE = TableContract(
    "corporate",
    Text("对公客户", "corporate customer"),
    "corporate",
    ("corporate_id",),
    (
        ContractColumn("corporate_id", _STR, Text("对公客户号", "corporate id")),
        ContractColumn("name_zh", _STR, Text("名称", "name")),
        ContractColumn("unit_id", _STR, Text("机构", "unit"), references=_UNIT),
        ContractColumn("sector", _STR, Text("行业", "sector"), nullable=True),
    ),
)

_MERCHANT = TableContract(
    "merchant",
    Text("商户", "merchant"),
    "acquiring",
    ("merchant_id",),
    (
        ContractColumn("merchant_id", _STR, Text("商户号", "merchant id")),
        ContractColumn("owner_no", _STR, Text("商户主客户号", "owner's customer number"), nullable=True),
        ContractColumn("sector", _STR, Text("行业", "sector"), nullable=True),
        ContractColumn("unit_id", _STR, Text("机构", "unit"), references=_UNIT),
    ),
)

_RELATION = TableContract(
    "relation",
    Text("关系", "relation"),
    "retail",
    ("from_no", "to_no", "kind"),
    (
        ContractColumn("from_no", _STR, Text("甲方", "from"), data_class=_C2),
        ContractColumn("to_no", _STR, Text("乙方", "to"), data_class=_C2),
        ContractColumn(
            "kind",
            _STR,
            Text("关系", "kind"),
            allowed=(
                "family",
                "employment",
                "legal_representative",
                "shareholder",
                "guarantor",
                "referral",
                "fund_flow",
                "shared_device",
                "joint_account",
            ),
        ),
        ContractColumn("since", _DATE, Text("自", "since"), nullable=True, not_future=True),
    ),
)

_IDENTITY = TableContract(
    "identity",
    Text("身份标识", "identity"),
    "retail",
    # A device may be several people's.
    ("kind", "token", "customer_no"),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn(
            "kind",
            _STR,
            Text("标识类型", "kind"),
            allowed=("wechat_openid", "wecom_external_id", "app_login", "device"),
        ),
        ContractColumn("token", _STR, Text("令牌", "token"), data_class=_C2),
    ),
)

# Derived here, a month or a job at a time, and kept with what it was derived from.
_TIER_MONTH = TableContract(
    "tier_month",
    Text("客户分层月", "month of a tier"),
    "retail",
    ("customer_no", "month"),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn("month", _DATE, Text("月份首日", "first day of the month")),
        ContractColumn("average_fen", _INT, Text("月日均资产（分）", "monthly average assets (fen)"), data_class=_C2),
        ContractColumn("tier", _INT, Text("层级", "tier"), minimum=1),
        ContractColumn("watched", _BOOL, Text("关注", "watched")),
        ContractColumn("months_below", _INT, Text("连续未达标月数", "months below the line"), minimum=0),
        ContractColumn("best_fen", _INT, Text("其中最高日均（分）", "best average of those (fen)"), data_class=_C2),
        ContractColumn("move", _STR, Text("变动", "move"), allowed=("", "new", "up", "down", "watched", "cleared")),
    ),
    mode="append",
)

_SERVICING = TableContract(
    "servicing",
    Text("服务归属", "keeper of a customer"),
    "retail",
    ("customer_no",),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn("mode", _STR, Text("服务方式", "mode"), allowed=("manager", "remote", "digital")),
        ContractColumn("owner_id", _STR, Text("归属人", "owner")),
        ContractColumn("backup_id", _STR, Text("B 角", "backup")),
    ),
)

_EDGE = TableContract(
    "edge",
    Text("关系边", "edge of the graph of relations"),
    "retail",
    ("from_no", "to_no", "kind"),
    (
        ContractColumn("from_no", _STR, Text("甲方", "from"), data_class=_C2),
        ContractColumn("to_no", _STR, Text("乙方", "to"), data_class=_C2),
        ContractColumn("kind", _STR, Text("关系", "kind")),
        ContractColumn("since", _DATE, Text("自", "since"), nullable=True),
        ContractColumn("until", _DATE, Text("至", "until"), nullable=True),
        ContractColumn("weight", _INT, Text("证据数", "pieces of evidence"), minimum=1),
        ContractColumn("evidence", _STR, Text("证据", "evidence"), data_class=_C2),
    ),
)

_EXPOSURE = TableContract(
    "exposure",
    Text("关联违约传递", "reach of a related default"),
    "risk",
    ("customer_no",),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number")),
        ContractColumn("score_ppm", _INT, Text("传递程度", "how far it reaches (ppm)"), minimum=0, confidential=True),
        ContractColumn("way", _STR, Text("路径", "way"), data_class=_C2, confidential=True),
    ),
)

# Scores of the bank's own models (流失分, 购买倾向): the catalogue's score attributes read theirs here.
_SCORE = TableContract(
    "score",
    Text("模型评分", "model score"),
    "models",
    ("customer_no", "attribute"),
    (
        ContractColumn("customer_no", _STR, Text("客户号", "customer number"), references=("customer", "customer_no")),
        ContractColumn("attribute", _STR, Text("标签", "attribute")),
        ContractColumn(
            "score_ppm", _INT, Text("评分（百万分之一）", "score (ppm)"), data_class=_C2, minimum=0, maximum=1_000_000
        ),
        ContractColumn("model", _STR, Text("模型", "model")),
        ContractColumn("model_version", _INT, Text("模型版本", "version of the model"), minimum=1),
        ContractColumn("scored_on", _DATE, Text("评分日", "scored on"), not_future=True),
        ContractColumn("valid_until", _DATE, Text("有效至", "valid until"), nullable=True),
    ),
)

# In the order of loading: what is referred to comes first.
CONTRACTS: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        _UNIT_TABLE,
        _STAFF,
        _EMPLOYER,
        _CORPORATE,
        _CUSTOMER,
        CUSTOMER_EXTRA,
        _MERCHANT,
        _HOLDING,
        _STANDING_ORDER,
        _NET_VALUE,
        _RELATION,
        _IDENTITY,
        _EVENT,
        EVENT_EXTRA,
        _TIER_MONTH,
        _SERVICING,
        _EDGE,
        _EXPOSURE,
        _SCORE,
        LOADED_FILE,
        QUALITY,
    )
}
