"""What comes after each step of the loop, said at its end: the command as it can be typed, and what it does."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.cli.screen import say_next
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.organization.approval import Approval

Step = tuple[str, Text]

# What can have been done, and its next steps. Words in braces are filled by the step that has just been done.
STEPS: Mapping[str, tuple[Step, ...]] = {
    "init": (("bankloop load", Text("装载这些文件", "load the files")),),
    "init_faults": (("bankloop check --data", Text("改好之后再看一遍", "look again, once corrected")),),
    "init_empty": (
        (
            "bankloop init NEW --from FILE",
            Text("改用自己的文件新建一家银行", "make one of files of yours instead"),
        ),
        ("bankloop check", Text("检查文件夹里的文件", "check the files of the folder")),
    ),
    "simulate": (("bankloop load", Text("装载模拟系统送来的文件", "load what its systems deliver")),),
    "load": (
        ("bankloop check", Text("检查战役文件", "check the campaigns")),
        ("bankloop serve", Text("在控制台看数据与客户", "see data and customers in the console")),
    ),
    "check": (("bankloop learn {campaign}", Text("给战役建模型", "train its model")),),
    "check_none": (
        ("bankloop attributes", Text("写战役之前：有哪些标签", "before writing a campaign: what is known")),
    ),
    "learn": (("bankloop approve {campaign} --model", Text("由他人批准模型", "somebody else approves it")),),
    "learn_not": (
        (
            "bankloop drift {campaign}",
            Text("现任模型还合身吗", "does the champion still fit"),
        ),
    ),
    "model": (("bankloop submit {campaign}", Text("提交战役审批", "submit the campaign")),),
    "approved": (
        ("bankloop plan", Text("看方案，什么都不改变", "see the plan; nothing changes")),
        ("bankloop run", Text("执行，只发生一次", "make it happen, once")),
    ),
    "plan": (("bankloop run", Text("照此执行，只发生一次", "make it happen, once")),),
    "plan_none": (("bankloop approvals", Text("看战役在等谁", "see whom campaigns wait for")),),
    "run": (
        ("bankloop serve", Text("打开控制台；到点的每分钟交出", "the console; hands out what is due")),
        ("bankloop evaluate {campaign}", Text("对照留出的客户读结果", "read it against its control")),
    ),
    "run_again": (("bankloop serve", Text("打开控制台；到点的每分钟交出", "the console; hands out what is due")),),
    "deliver": (("bankloop messages", Text("看没有交出去的", "see what was not handed out")),),
    "evaluate": (
        ("bankloop learn {campaign} --round {round}", Text("标签到期后再学习", "learn, once labels are due")),
        ("bankloop report", Text("看保存下来的读数", "see the readings kept")),
    ),
    "close": (("bankloop submit {campaign}", Text("提交下一轮", "submit the next round")),),
}
# Whom a bank without accounts calls by each consent's name; with accounts each signs in instead.
_USUAL: Mapping[str, str] = {
    "consumer": " --as consumer",
    "compliance": " --as compliance",
    "first": "",
    "second": " --as checker2",
}


def say_following(step: str, bank: Path, **words: object) -> None:
    """Say what comes after a step of a bank that was named as ``bank``."""
    where = _named(bank)
    # A bank that is yet to be made is not this one.
    said = ((c.format(**words) + ("" if " NEW " in c else where), what) for c, what in STEPS[step])
    say_next(*said)


def say_consent(approval: Approval, bank: Path) -> None:
    """Say whose consent a campaign waits for next, and what follows when it has them all."""
    from bankloop.organization.approval import STAGES, next_stage

    stage = next_stage(approval)
    if stage is None:
        if approval.granted:
            say_following("model" if approval.kind == "model" else "approved", bank, campaign=approval.object_id)
        return
    if approval.kind not in ("campaign", "model"):
        name = f"{approval.kind}/{approval.object_id}"
    else:
        name = approval.object_id + (" --model" if approval.kind == "model" else "")
    said = STAGES[stage]
    what = Text(f"由另一人：{said.zh}", f"another person: {said.en}")
    say_next((f"bankloop approve {name}{_USUAL[stage]}{_named(bank)}", what))


def newest_campaign(bank: Path, campaigns: Sequence[str]) -> str | None:
    """Return the campaign whose file was written last: the one that somebody is at; of equals the first by name."""
    folder = bank / "campaigns"
    files = {path.stem: path.stat().st_mtime for path in folder.glob("*.yaml")}
    return max(sorted(campaigns), key=lambda name: files.get(name, 0.0), default=None)


def _named(bank: Path) -> str:
    """Return how a bank's folder is named to a command: not at all where one stands in it."""
    return "" if bank == Path() else f" --bank {shlex.quote(str(bank))}"
