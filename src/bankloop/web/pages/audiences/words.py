"""What the pages of audiences and segments say, and the script that makes the editor quick."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bankloop.kit.text import Text

SCRIPT = Path(__file__).with_name("audiences.js")
TEXTS: Mapping[str, Text] = {
    "lead": Text("写一个条件，马上看到有多少人、谁被排除、为什么；存成版本后写明方案才能启用。", "Write a condition and see at once how many it means, who is left out and why; saved as a version it is activated with a plan."),
    "expression": Text("条件", "Condition"),
    "expression_note": Text("例：payroll and aum between 50000 and 200000。金额单位元；↓ 选补全，Tab 采用。", "As in: payroll and aum between 50000 and 200000. Amounts in yuan; ↓ chooses a completion, Tab takes it."),
    "before_confidence": Text("人数不含保密的合规检查：那些在方案里才做，谁也看不到。", "Confidential checks play no part in these numbers: they are made by the plan, and nobody sees them."),
    "count": Text("看人数", "Count"),
    "complete": Text("补全", "Complete"),
    "completions": Text("可以接着写", "It may go on with"),
    "no_completions": Text("没有以这个词开头的属性。", "No attribute begins with this word."),
    "save": Text("存为版本", "Save as a version"),
    "save_note": Text("同名再存就是下一版；内容没变则还是原来那版。", "The same name again is its next version; where nothing changed it is the version there is."),
    "name": Text("名称（小写字母、数字、连字符）", "Name (small letters, digits, hyphens)"),
    "title_zh": Text("中文标题", "Title in Chinese"),
    "title_en": Text("英文标题", "Title in English"),
    "segments": Text("客群", "Segments"),
    "no_segments": Text("还没有客群；先写一个条件并存为版本。", "There is no segment yet; write a condition and save it."),
    "cluster": Text("聚类", "Clusters"),
    "cluster_note": Text("按所选属性把全行客户分成几类，每类存成一个客群，同样要写明方案才能启用。", "Parts the bank's customers by the attributes chosen; each part is kept as a segment and wants a plan like any other."),
    "by": Text("按什么分", "By what"),
    "clusters": Text("分成几类（2–12）", "How many (2–12)"),
    "learn": Text("聚类并保存", "Learn and save"),
    "plan": Text("方案", "Plan"),
    "plan_title": Text("方案名称", "Name of the plan"),
    "plan_owner": Text("负责人（机构号或员工号）", "Who answers for it (id of a unit or of staff)"),
    "plan_does": Text("做什么", "What is done"),
    "plan_save": Text("写明方案", "Name the plan"),
    "no_plan": Text("还没有方案，不能启用。", "It has no plan yet and cannot be activated."),
    "activate": Text("启用这一版", "Activate this version"),
    "retire": Text("停用", "Retire"),
    "by_hand": Text("手工名单", "By hand"),
    "by_hand_note": Text(
        "规则之外手工加入或移出的客户，存为下一版，写明方案并启用后生效；客户号以空格或换行分开。",
        "Customers put in or taken out beside the rule: the next version, which counts once it has a plan and is "
        "activated; numbers set apart by blanks or lines.",
    ),
    "add": Text("加入", "Add"),
    "take_out": Text("移出", "Take out"),
    "forget": Text("重新只按规则", "Leave to the rule again"),
    "by_hand_save": Text("存为下一版", "Save the next version"),
    "warnings": Text("请留意", "Mind"),
    "versions": Text("版本", "Versions"),
    "edit": Text("改条件，另存一版", "Change the condition, save another version"),
    "reason": Text("原因", "Reason"),
    "audiences": Text("客群", "Audiences"),
}  # fmt: skip
