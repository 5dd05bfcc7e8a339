"""What the site does beyond its plugins: it says what is not translated, finds Chinese words, leads nowhere else.

MkDocs calls these functions (``hooks`` in mkdocs.yml).
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

import rjieba
from mkdocs.plugins import event_priority

# The browser's search takes words apart at this sign, which nobody sees.
BETWEEN_WORDS = "\u200b"
_HEADING = re.compile(r"^# (?P<title>.+)$", re.MULTILINE)
_UPWARDS = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<to>\.\./[^)\s]+)\)")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_ONLY_ENGLISH = """
!!! note "本页正文只有英文"
    这一页还没有中文版；下面是英文原文，第一段是中文摘要。
"""


_not_translated: set[str] = set()


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Give a page of the Chinese site its Chinese title, and one that is English a note under it."""
    markdown = _UPWARDS.sub(lambda found: _inside(found, page.file.src_uri), markdown)
    if config.theme["language"] != "zh":
        return markdown
    heading = _HEADING.search(markdown)
    if heading is None:
        return markdown
    page.title = heading["title"].partition(" · ")[0]
    if page.file.src_uri.endswith(".zh.md"):
        return markdown
    _not_translated.add(page.url)
    return f"{markdown[: heading.end()]}\n{_ONLY_ENGLISH}{markdown[heading.end() :]}"


def _inside(found: re.Match[str], at: str) -> str:
    """Return a link as it stands; of one to a file of the repository, which the site does not hold, its words."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(at), found["to"]))
    return found["text"] if target.startswith("../") else found[0]


# After the plugin of languages, which writes the index of all of them last.
@event_priority(-200)
def on_post_build(config: Any) -> None:
    """Take the Chinese of the search index apart into words, as it is written without blanks.

    A page that both languages share is found once.
    """
    place = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(place.read_text(encoding="utf-8"))
    index["docs"] = [one for one in index["docs"] if one["location"].partition("#")[0] not in _not_translated]
    for one in index["docs"]:
        one["title"], one["text"] = apart(one["title"]), apart(one["text"])
    place.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def apart(text: str) -> str:
    """Return a text with its Chinese words apart; what is apart already stays as it is."""
    return _CHINESE.sub(_words, text.replace(BETWEEN_WORDS, ""))


def _words(found: re.Match[str]) -> str:
    return BETWEEN_WORDS + BETWEEN_WORDS.join(rjieba.cut(found[0])) + BETWEEN_WORDS
