"""The console's own words."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit import Text

STEPS: Mapping[str, Text] = {
    "model": Text("建模型", "Model"),
    "audience": Text("筛客群", "Audience"),
    "product": Text("配产品", "Product"),
    "benefit": Text("定权益", "Benefit"),
    "script": Text("选话术", "Script"),
    "reach": Text("准触达", "Reach"),
    "evaluate": Text("评结果", "Evaluate"),
    "optimize": Text("优模型", "Optimise"),
}
# Who opens each step's gate.
OWNERS: Mapping[str, Text] = {
    "model": Text("经办提交 · 复核批准", "maker submits · checker approves"),
    "audience": Text("锁定后由系统冻结", "frozen by the system from the lock"),
    "product": Text("适当性规则", "suitability rules"),
    "benefit": Text("权益与品类规则", "benefit and product-class rules"),
    "script": Text("消保审查", "consumer-protection review"),
    "reach": Text("复核批准后执行", "runs once the checker approved"),
    "evaluate": Text("系统按期读数", "read by the system when due"),
    "optimize": Text("经办提交 · 复核晋升", "maker submits · checker promotes"),
}
STATES: Mapping[str, Text] = {
    "draft": Text("草稿", "Draft"),
    "submitted": Text("待审批", "Waiting for approval"),
    "approved": Text("已批准", "Approved"),
    "done": Text("完成", "Done"),
    "waiting": Text("未开始", "Not started"),
    "champion": Text("现任", "Champion"),
    "retired": Text("退役", "Retired"),
    "recalled": Text("已撤回", "Recalled"),
    "rejected": Text("已退回", "Returned"),
    "void": Text("已失效", "Void"),
    "consumer_ok": Text("消保已审", "Consumer review passed"),
    "compliance_ok": Text("合规已审", "Compliance passed"),
    "first_ok": Text("一审已过", "First approval given"),
    "scheduled": Text("已排期", "Scheduled"),
    "running": Text("运行中", "Running"),
    "paused": Text("已暂停", "Paused"),
    "closed": Text("已结束", "Closed"),
    "killed": Text("已叫停", "Killed"),
    "expired": Text("已过期", "Expired"),
}
# States in which a campaign's lock is in force.
IN_FORCE = ("approved", "scheduled", "running")
KINDS: Mapping[str, Text] = {
    "campaign": Text("战役", "Campaign"),
    "model": Text("模型", "Model"),
    "transfer": Text("客户划转", "Transfer of a book"),
    "export": Text("数据导出", "Export"),
    "erasure": Text("个人信息清除", "Erasure of personal data"),
}
VERBS: Mapping[str, Text] = {
    "campaign.submit": Text("提交战役", "Campaign submitted"),
    "campaign.approve": Text("批准战役", "Campaign approved"),
    "model.draft": Text("训练模型", "Model drafted"),
    "model.learn": Text("训练挑战者", "Challenger trained"),
    "model.promote": Text("晋升模型", "Model promoted"),
    "round.run": Text("执行一轮", "Round run"),
    "task.create": Text("下发任务", "Tasks made"),
    "lake.publish": Text("数据入湖", "Data published"),
    "plan.issue": Text("下发方案", "Plan issued"),
    "approval.submit": Text("提交审批", "Approval asked for"),
    "approval.approve": Text("审批通过", "Approval given"),
    "approval.reject": Text("审批退回", "Approval returned"),
    "approval.recall": Text("撤回申请", "Approval recalled"),
    "approval.void": Text("申请失效", "Approval void"),
    "account.sign_in": Text("登录", "Sign-in"),
    "session.open": Text("会话开始", "Session opened"),
    "session.end": Text("会话结束", "Session ended"),
    "access.denied": Text("被拒绝的访问", "Access denied"),
    "access.read": Text("查看个人信息", "Personal data read"),
    "customer.unmask": Text("解除遮盖", "Unmasked"),
    "campaign.edit": Text("修改战役文件", "Campaign's file edited"),
    "approval.kill": Text("叫停", "Killed"),
}
FALLS: Mapping[str, Text] = {
    "other_compliance": Text("其他合规原因", "Other compliance reasons"),
    "in_other_campaign": Text("在途其他战役", "In another campaign"),
}
CELLS: Mapping[str, Text] = {
    "holdout": Text("全局留出", "Holdout"),
    "explore": Text("探索", "Explore"),
    "optimize": Text("优化", "Optimise"),
    "exempt": Text("不参加实验", "Exempt"),
    "control": Text("对照", "Control"),
}
GROUPS: Mapping[str, Text] = {
    "all": Text("全部", "All"),
    "treated": Text("处理组", "Treated"),
    "control": Text("对照组", "Control"),
    "contacted": Text("触达", "Contacted"),
    "delivered": Text("送达", "Delivered"),
    "responded": Text("回应", "Responded"),
    "converted": Text("处理组达成目标", "Treated who reached the goal"),
    "by_hand": Text("对照组被人工触达", "Control contacted by hand"),
}
# What the templates say themselves.
WORDS: Mapping[str, Text] = {
    "skip": Text("跳到正文", "Skip to content"),
    "console": Text("经营台", "Console"),
    "who": Text("总行 · 只读 · 仅本机", "Head office · read only · this machine"),
    "menu": Text("主导航", "Main navigation"),
    "home": Text("首页", "Home"),
    "plan": Text("方案", "Plan"),
    "results": Text("结果", "Results"),
    "scorecard": Text("指标", "Metrics"),
    "all_metrics": Text("全部指标", "All metrics"),
    "no_scorecard": Text("还没有装载数据；运行 bankloop load。", "Nothing is loaded yet; run bankloop load."),
    "campaigns": Text("战役", "Campaigns"),
    "operate": Text("经营", "Operate"),
    "report": Text("演示报告", "Demo report"),
    "today": Text("今天", "Today"),
    "waiting": Text("等人处理", "What waits"),
    "changed": Text("最近的变化", "What changed"),
    "newest_plan": Text("最新方案", "Newest plan"),
    "open_plan": Text("打开方案", "Open the plan"),
    "nothing_waits": Text("没有等待审批的事，也没有到期未学的标签。", "No approval is waiting and no label is due."),
    "start_here": Text("从这里开始", "Start here"),
    "round": Text("轮次", "Round"),
    "steps": Text("八步", "The eight steps"),
    "lock": Text("锁", "Lock"),
    "lock_note": Text("运行只读这把锁；文件改了而没有重新提交，不会生效。", "Runs read this lock alone; an edited file changes nothing until it is submitted again."),
    "scripts": Text("话术与用语检查", "Scripts and wording"),
    "no_findings": Text("无禁用语", "No forbidden wording"),
    "model_card": Text("模型卡", "Model card"),
    "no_audience": Text("这一轮还没有冻结客群；战役批准后运行 bankloop run。", "No audience is frozen for this round yet; run bankloop run once the campaign is approved."),
    "what_if": Text("如果……", "What if"),
    "what_if_note": Text("改一个上限，约一秒重算全部客户；什么也不会被改动。", "Change one limit; all customers are solved again in about a second. Nothing is changed."),
    "new_limit": Text("新上限", "New limit"),
    "yuan": Text("元", "yuan"),
    "solve": Text("重算", "Solve"),
    "left_out": Text("谁没有被触达，为什么", "Who is not reached, and why"),
    "by_reason": Text("逐条原因", "Reason by reason"),
    "windows": Text("方案窗口", "Plan windows"),
    "rows": Text("名单", "Rows"),
    "rows_note": Text("客户号已遮盖；完整名单按权限在下发文件和任务里。", "Customer numbers are masked; full lists are in the delivery files and tasks, by rights."),
    "pooled_note": Text("合规原因合并计数，不列名单。", "Compliance reasons are counted together and never listed."),
    "empty": Text("没有客户", "No customers"),
    "back": Text("返回", "Back"),
    "previous": Text("上一页", "Previous"),
    "next": Text("下一页", "Next"),
    "group": Text("分组", "Group"),
    "cure_home": Text("回到首页", "Back to home"),
    "no_plan": Text("还没有方案。先让一个战役获批，再运行 bankloop run。", "There is no plan yet. Have a campaign approved, then run bankloop run."),
    "no_detail": Text("这份方案没有保存明细；下面是存下的摘要。", "No detail of this plan was kept; what follows is its stored summary."),
    "no_results": Text("还没有读数。一轮结束、标签到期后运行 bankloop evaluate 战役名。", "There is no reading yet. Run bankloop evaluate CAMPAIGN when a round has ended and its labels are due."),
    "unit_note": Text("单位", "Unit"),
}  # fmt: skip
EMPTY_BANK: tuple[Text, ...] = (
    Text("训练模型：bankloop learn 战役名", "Train a model: bankloop learn CAMPAIGN"),
    Text(
        "由他人批准：bankloop approve 战役名 --model",
        "Have another person approve it: bankloop approve CAMPAIGN --model",
    ),
    Text("提交战役：bankloop submit 战役名", "Submit the campaign: bankloop submit CAMPAIGN"),
    Text("由他人批准，再运行：bankloop run", "Have it approved, then run it: bankloop run"),
)
