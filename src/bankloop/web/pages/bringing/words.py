"""The words of bringing files and of the first steps after them."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

TEXTS: Mapping[str, Text] = {
    "lead": Text(
        "上传系统导出的文件：CSV、xlsx、Parquet，文件名和列名随意。至少要有客户或账户。",
        "Send the files that your systems export: CSV, xlsx, Parquet, whatever they and their columns are called. "
        "Customers or accounts are needed.",
    ),
    "send": Text("上传", "Send"),
    "choose": Text("选文件（可多选，合计至多 {most}）", "Files, several at once, {most} in all"),
    "again": Text("同名文件会被替换。", "A file of the same name is replaced."),
    "files": Text("文件", "Files"),
    "drop": Text("移除", "Remove"),
    "questions": Text("只有您知道的", "What only you know"),
    "questions_lead": Text(
        "文件里没有说。保存后才能装载。", "No file says it. It is needed before anything is loaded."
    ),
    "mapping": Text("认出的内容", "What was recognised"),
    "mapping_lead": Text(
        "不对就另选，再保存；预览随之更新。", "Where it is not so, choose otherwise and save; the preview follows."
    ),
    "save": Text("保存并试装", "Save and try"),
    "column": Text("字段", "Column"),
    "from": Text("来自文件的列", "From the file's column"),
    "read_as": Text("读法", "Read as"),
    "seen": Text("样例", "Seen"),
    "note": Text("说明", "Why"),
    "ignored": Text("不装载的列：", "Columns not loaded: "),
    "trial": Text("试装", "Trial"),
    "trying": Text("正在试装……页面会自己更新。", "It is being tried; this page follows by itself."),
    "no_trial": Text("还没有试装。", "It has not been tried yet."),
    "try": Text("试装", "Try it"),
    "clean": Text("没有发现问题。", "Nothing stands against it."),
    "preview": Text("前 20 行，按装载后的样子", "The first 20 rows as they would load"),
    "make": Text("写入 bank.yaml 并装载", "Write bank.yaml and load"),
    "make_lead": Text(
        "写好的文件与 bankloop init --from 的一样。有问题的行会被隔离并写明原因。",
        "The file is the one that bankloop init --from writes. Rows with faults go to quarantine, with the reason.",
    ),
    "make_first": Text(
        "先回答上面的问题，并移除读不了的文件。", "Answer what is asked above, and remove files that cannot be read."
    ),
    "next": Text("下一步", "Next steps"),
    "loaded": Text("数据", "Data"),
    "loading": Text("正在装载……页面会自己更新。", "Loading; this page follows by itself."),
    "load": Text("装载已到的文件", "Load what has arrived"),
    "quality": Text("看数据质量", "See the data's quality"),
    "audience": Text("第一个客群与战役", "First audience and campaign"),
    "audience_lead": Text(
        "选一个客群，看有多少人；再据此建立战役。",
        "Choose an audience and see how many they are; the campaign is made for them.",
    ),
    "pick": Text("客群", "Audience"),
    "own": Text("或自己写条件", "Or a condition of your own"),
    "count": Text("数一数", "Count"),
    "reach": Text("可用 {usable}，命中 {hit}", "{usable} may be reached, {hit} meet it"),
    "few": Text("命中不到 {few} 人", "fewer than {few} meet it"),
    "template": Text("模板", "Template"),
    "signs": Text(
        "模板写好了每次触达赢得和失去的比例（短信 2% 与 1%，电话 10% 与 1%）。一轮读出之前这是有人负责的判断，会写进战役文件，之后可改。",
        "The template states what a contact wins and loses (a text message 2% and 1%, a call 10% and 1%). Until a "
        "round has measured it this is somebody's judgement; it is written into the campaign's file and can be "
        "changed there.",
    ),
    "owner": Text("谁为这些比例负责", "Who answers for these shares"),
    "source": Text("依据是什么", "What they rest on"),
    "begin": Text("建立战役", "Make the campaign"),
    "learn": Text("训练模型", "Train the model"),
    "learning": Text("正在训练……", "It is being trained …"),
    "promote": Text("批准模型", "Approve the model"),
    "submit": Text("提交审批", "Submit for approval"),
    "approve": Text("去审批", "Go to the approvals"),
    "plan": Text("算第一份方案", "Compute the first plan"),
    "planning": Text("正在算方案……", "The plan is being computed …"),
    "planned": Text("看方案", "See the plan"),
    "further": Text("再接入一个来源", "Bring a further source"),
    "further_lead": Text(
        "例如卡系统导出的 xlsx。认出后由您核对，再写进 bank.yaml；原有的来源和注释不动。",
        "The xlsx of a card vendor, say. What is recognised is yours to check, then it is written into bank.yaml; "
        "the sources and comments that are there stay.",
    ),
    "further_make": Text(
        "新来源写在 bank.yaml 末尾，与 bankloop bring 写的一样；文件与已装载的那一天放在一起。",
        "The new sources stand at the end of bank.yaml, as bankloop bring writes them; the files lie beside those of "
        "the day that is loaded.",
    ),
}
