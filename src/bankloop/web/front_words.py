"""The words of the front: requests between lines and offices, the book, care, visits."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit import Text

FRONT_WORDS: Mapping[str, Text] = {
    "collaboration": Text("协同", "Requests"),
    "collaboration_lead": Text("把客户转介给其他条线，向中台、后台求助；每个请求都有时限，结果会回到这里。", "Refer a customer to another line, ask the middle and the back office; each request has a clock, and its outcome comes back here."),
    "received": Text("等我处理", "To answer"),
    "asked": Text("我提出的", "Asked by me"),
    "watched": Text("本机构提出的", "Asked by my units"),
    "none_received": Text("没有等您处理的请求。", "Nothing waits for you."),
    "none_asked": Text("您还没有提过请求。", "You have asked for nothing yet."),
    "new_referral": Text("转介客户", "Refer a customer"),
    "new_support": Text("向中台、后台求助", "Ask the middle or the back office"),
    "matter": Text("事项", "Matter"),
    "own_customer": Text("我的客户号", "Number of my customer"),
    "own_customer_may": Text("我的客户号（可不填）", "Number of my customer (may be empty)"),
    "their_number": Text("对方条线的客户号（如有）", "Number in the other line, if any"),
    "company_name": Text("企业或客户名称", "Name of the company or customer"),
    "need": Text("需要对方做什么", "What the other side is to do"),
    "agreed": Text("客户同意由其他条线联系", "The customer agrees that another line gets in touch"),
    "send_request": Text("提交", "Send"),
    "the_owner": Text("介绍来的客户", "The customer referred"),
    "the_owner_note": Text("显示到什么程度，由条线间共享协议和客户同意决定。", "How much shows is ruled by the agreement between the lines and the customer's consent."),
    "take_on": Text("接下", "Take it on"),
    "answer_it": Text("答复", "Answer"),
    "words_label": Text("说明", "In words"),
    "pass_on": Text("转给其他部门", "Pass on"),
    "to_desk": Text("转给", "To"),
    "add_words": Text("补充说明", "Add"),
    "withdraw": Text("撤回请求", "Withdraw"),
    "conversation": Text("往来记录", "What was done and said"),
    "nothing_said": Text("还没有人处理。", "Nobody has acted on it yet."),
    "maturities": Text("到期日历", "Maturities"),
    "maturities_note": Text("到期前 60、30、7 天按金额生成承接任务；自动转存的只在来电有益时才打扰。", "Calls are due 60, 30 and 7 days before, by size; who renews by themselves is called only where calls were measured to help."),
    "no_maturities": Text("近期没有到期。", "Nothing matures soon."),
    "to_request": Text("打开请求并答复", "Open the request and answer"),
    "refer_or_ask": Text("转介或求助", "Refer or ask for help"),
}  # fmt: skip
