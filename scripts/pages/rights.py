"""The roles and the matrix of rights."""

from __future__ import annotations

from pages.source import page


def rights_page() -> str:
    """Return docs/reference/rights.md: the roles, and the matrix role × object × verb, from the catalogue."""
    from bankloop.organization.rights import EVERYBODY, OBJECTS, ROLES

    marks = [chr(ord("a") + number) for number in range(len(ROLES))]
    lines = [
        "# 权限 · Rights",
        "",
        "角色目录与权限矩阵。没有写在这里的，一律不允许；程序自身（system）除外。",
        "",
        "A permission is `object.verb`. What is not written here is allowed to nobody but the program itself. Whose rows "
        "a role sees: `bank` all, `subtree` a unit and those below it, `post` the unit of the person's post, `book` the "
        "person's own customers, `tasks` the tasks given to the person, `none` no customer.",
        "",
        "| | role | 角色 | English | scope | purposes | unmasks |",
        "|---|---|---|---|---|---|---|",
    ]
    for mark, role in zip(marks, ROLES.values(), strict=True):
        purposes, unmasks = ", ".join(sorted(role.purposes)), ", ".join(sorted(role.unmasks)) or "—"
        lines.append(
            f"| {mark} | `{role.name}` | {role.title.zh} | {role.title.en} | {role.scope} | {purposes} | {unmasks} |"
        )
    lines += [
        "",
        "System, security and audit administration are three people without any other role.",
        "",
        "## 矩阵 · Matrix",
        "",
        "Columns are the roles above, in their order; the program's own verbs have no mark. What everybody may do with "
        f"what is their own: {', '.join(f'`{one}`' for one in sorted(EVERYBODY))}.",
        "",
        f"| object | verb | {' | '.join(marks)} |",
        f"|---|---|{'---|' * len(marks)}",
    ]
    for kind in OBJECTS.values():
        for verb in kind.verbs:
            cells = ["✓" if f"{kind.name}.{verb}" in role.rights else "" for role in ROLES.values()]
            lines.append(f"| {kind.title.zh} `{kind.name}` | `{verb}` | {' | '.join(cells)} |")
    return page(lines)
