"""What is wrong with a segment, and how to put it right."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError, SpecError
from bankloop.kit.text import Text


def confidential(names: str) -> DeniedError:
    """Return the refusal to count people by what nobody may learn of them."""
    return DeniedError(
        "segment.confidential",
        Text("属性 {names} 保密，不能用来选人；请去掉这个条件，平台会自行排除", "attribute {names} is confidential and selects nobody; leave it out, the platform excludes by itself"),
        names=names,
    )  # fmt: skip


def bad_name(name: str) -> InputError:
    """Return the refusal of a name that is no name."""
    return InputError(
        "segment.name",
        Text("名称“{name}”应为小写字母、数字和连字符，字母开头，至多 48 位", "the name '{name}' must be small letters, digits and hyphens, a letter first, at most 48"),
        name=name,
    )  # fmt: skip


def taken(name: str) -> ConflictError:
    """Return the refusal of a name that another unit uses."""
    return ConflictError(
        "segment.taken",
        Text("客群名称 {name} 已被别的机构使用；请换一个", "another unit has a segment called {name}; choose another name"),
        name=name,
    )  # fmt: skip


def no_title(name: str) -> InputError:
    """Return the refusal of a segment that nobody would know by its title."""
    return InputError(
        "segment.title",
        Text("客群 {name} 没有标题；请用中文和英文各写一个", "segment {name} has no title; write one in Chinese and one in English"),
        name=name,
    )  # fmt: skip


def no_segment(name: str) -> NotFoundError:
    """Return the error of a segment, or a version of one, that there is not or that the reader may not see."""
    return NotFoundError(
        "segment.missing",
        Text("没有这个客群或版本：{name}；请在客群页看有哪些", "there is no such segment or version: {name}; see the page of audiences"),
        name=name,
    )  # fmt: skip


def no_active(name: str) -> NotFoundError:
    """Return the refusal of a segment that is to be used and is not in use."""
    return NotFoundError(
        "segment.no_active",
        Text(
            "客群 {name} 没有启用的版本，战役不能用它；请先写明方案并启用",
            "segment {name} has no active version for a campaign to use; name its plan and activate it",
        ),
        name=name[:60],
    )


def no_plan(name: str, version: int) -> ConflictError:
    """Return the refusal to activate what nobody answers for."""
    return ConflictError(
        "segment.no_plan",
        Text("客群 {name} 第 {version} 版没有方案，不能启用；请先写明方案名称、负责人和做法", "segment {name} version {version} has no plan and cannot be activated; name the plan, who answers for it and what they do"),
        name=name, version=version,
    )  # fmt: skip


def empty_plan(missing: str) -> InputError:
    """Return the refusal of a plan that says too little."""
    return InputError(
        "segment.empty_plan",
        Text("方案缺少：{missing}；请补上", "the plan lacks: {missing}; add it"),
        missing=missing,
    )  # fmt: skip


def no_owner(owner: str) -> NotFoundError:
    """Return the refusal of a plan for which nobody of the bank answers."""
    return NotFoundError(
        "segment.no_owner",
        Text("负责人 {owner} 不是本行的机构或员工；请填机构号或员工号", "{owner} is no unit or member of staff of the bank; give the id of one"),
        owner=owner,
    )  # fmt: skip


def plan_kept(name: str, version: int) -> ConflictError:
    """Return the refusal to change the plan of a version that is, or was, in use."""
    return ConflictError(
        "segment.plan_kept",
        Text("客群 {name} 第 {version} 版已启用过，方案不能再改；请另存一版", "segment {name} version {version} has been active and keeps its plan; save another version"),
        name=name, version=version,
    )  # fmt: skip


def was_active(name: str, version: int) -> ConflictError:
    """Return the refusal to activate again what was replaced or retired."""
    return ConflictError(
        "segment.was_active",
        Text("客群 {name} 第 {version} 版已停用；请另存一版再启用", "segment {name} version {version} is retired; save another version and activate that"),
        name=name, version=version,
    )  # fmt: skip


def not_active(name: str) -> ConflictError:
    """Return the refusal to retire what is not in use."""
    return ConflictError(
        "segment.not_active",
        Text("客群 {name} 没有启用的版本，无可停用", "segment {name} has no active version to retire"),
        name=name,
    )  # fmt: skip


def bad_count(count: int, fewest: int, most: int) -> InputError:
    """Return the refusal of too few or too many clusters."""
    return InputError(
        "segment.clusters",
        Text("聚成 {count} 类不行，应为 {fewest} 到 {most} 类", "{count} clusters will not do, make it {fewest} to {most}"),
        count=count, fewest=fewest, most=most,
    )  # fmt: skip


def no_feature(names: str) -> InputError:
    """Return the refusal of attributes that clusters cannot be made of."""
    return InputError(
        "segment.no_feature",
        Text("聚类要选数值或是非属性（不能用：{names}）", "clusters are made of numbers and yes-or-no attributes (not of: {names}); choose some"),
        names=names or "—",
    )  # fmt: skip


def too_few(people: int, count: int) -> InputError:
    """Return the refusal to part fewer different people than clusters."""
    return InputError(
        "segment.too_few",
        Text("属性齐全且各不相同的客户太少（{people} 人），聚不成 {count} 类；请换属性或减少类数", "too few different customers have all of these attributes ({people}) for {count} clusters; take other attributes or fewer clusters"),
        people=people, count=count,
    )  # fmt: skip


def cycle(names: str) -> ConflictError:
    """Return the refusal of segments that name each other in a ring."""
    return ConflictError(
        "segment.cycle",
        Text(
            "客群互相引用成环：{names}；请断开其中一环",
            "segments name each other in a ring: {names}; let one of them stop naming the next",
        ),
        names=names,
    )


def cluster_named(name: str) -> ConflictError:
    """Return the refusal of a cluster inside a condition."""
    return ConflictError(
        "segment.cluster_named",
        Text(
            "{name} 是聚类得出的客群，不能写进条件；请用规则客群",
            "{name} is a cluster, who is in which is no condition; name a segment that is a rule",
        ),
        name=name,
    )


def list_of_cluster(name: str) -> ConflictError:
    """Return the refusal of a list by hand beside a cluster."""
    return ConflictError(
        "segment.list_of_cluster",
        Text(
            "{name} 是聚类得出的客群，不能手工增减；请另存一个规则客群",
            "{name} is a cluster and takes no list by hand; save a segment that is a rule",
        ),
        name=name,
    )


def long_list(count: int, most: int) -> InputError:
    """Return the refusal of more names by hand than a condition takes."""
    return InputError(
        "segment.long_list",
        Text(
            "手工名单有 {count} 人，至多 {most} 人；更长的名单请作为本行字段随客户文件送来（extra）",
            "the list by hand has {count} customers, at most {most}; bring a longer one as a column of your own "
            "(extra) with the customers' file",
        ),
        count=count,
        most=most,
    )


def no_reason(name: str) -> InputError:
    """Return the refusal of a list by hand that does not say why."""
    return InputError(
        "segment.no_reason",
        Text(
            "手工增减 {name} 的客户要写原因；请补上", "say why customers are put into {name} or taken out of it by hand"
        ),
        name=name,
    )


def no_segments_written(place: str) -> SpecError:
    """Return the refusal of a file that holds no segments."""
    return SpecError(
        "segment.no_segments",
        Text("{place}：应写 segments: 客群名 → zh、en、when", "{place}: write segments: a name → zh, en, when"),
        place=place,
    )


def badly_written(place: str, name: str) -> SpecError:
    """Return the refusal of a segment in a file that says too little, or something else."""
    return SpecError(
        "segment.written",
        Text(
            "{place}：客群 {name} 应写且只写 zh、en、when",
            "{place}: segment {name} has zh, en and when, and nothing else",
        ),
        place=place,
        name=name,
    )
