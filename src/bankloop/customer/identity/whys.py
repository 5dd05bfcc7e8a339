"""Why a pair waits for a steward, in words."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.customer.identity.plausible import DOUBTS
from bankloop.kit.text import Text

WHYS: Mapping[str, Text] = {
    "between": Text("分量不足以合并，也不足以分开", "weighs too little to merge and too much to ignore"),
    "other_document": Text("多处一致，证件不同", "much agrees, and the documents differ"),
    "document_of_two": Text("同一证件，姓名和生日都不一致", "one document, and neither name nor birth date agree"),
    "contradiction": Text("会把已判分开的人连在一起", "would join what is kept apart"),
    **{
        doubt.value: Text(f"{said.zh}，不作为同一人的依据", f"{said.en}, and links nobody")
        for doubt, said in DOUBTS.items()
    },
}
