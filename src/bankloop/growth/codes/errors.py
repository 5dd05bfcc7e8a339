"""The refusals of channel codes, each with its cure in both languages."""

from __future__ import annotations

from bankloop.growth.codes.contracts import MOST_DAYS, MOST_NAME, MOST_ON_POSTER, MOST_PLACES, MOST_REASON, MOST_TITLE
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_code(code: str) -> NotFoundError:
    """Return the refusal of a code that is not there, or is out of scope."""
    return NotFoundError(
        "code.unknown",
        Text(
            "没有码 {name}，或不在您的范围内；bankloop code list 列出现有的",
            "there is no code {name} in your scope; bankloop code list names them",
        ),
        name=code[:32],
    )


def bad_link() -> NotFoundError:
    """Return the refusal of a link that the bank did not make."""
    return NotFoundError(
        "code.link",
        Text(
            "这个链接不是本行生成的，或被改动过；请重新扫码，或到网点询问",
            "this link was not made by the bank, or was changed; scan the code again, or ask at a branch",
        ),
    )


def bad_title() -> InputError:
    """Return the refusal of a title that says nothing."""
    return InputError(
        "code.title",
        Text("请填写码的名称，1 到 {most} 字", "give the code a title of 1 to {most} characters"),
        most=MOST_TITLE,
    )


def bad_scene(scene: str) -> InputError:
    """Return the refusal of a scene's name that is too long or has signs that a link does not carry."""
    return InputError(
        "code.scene",
        Text(
            "场景名“{scene}”不可用：1 到 {most} 个可见字符",
            "the scene '{scene}' cannot be used: 1 to {most} visible characters",
        ),
        scene=scene[:MOST_NAME],
        most=MOST_NAME,
    )


def bad_places(place: str) -> InputError:
    """Return the refusal of places: too many, one twice, one too long or empty."""
    return InputError(
        "code.places",
        Text(
            "地点“{place}”不可用：至多 {most} 个，各不相同，每个 1 到 {letters} 个可见字符",
            "the place '{place}' cannot be used: at most {most}, each once, each of 1 to {letters} visible characters",
        ),
        place=place[:MOST_NAME],
        most=MOST_PLACES,
        letters=MOST_NAME,
    )


def bad_days() -> InputError:
    """Return the refusal of a first or last day."""
    return InputError(
        "code.days",
        Text(
            "起止日期不可用：起始日不早于今天，截止日不早于起始日，最长 {most} 天",
            "use a first day not before today, a last day not before the first, and at most {most} days",
        ),
        most=MOST_DAYS,
    )


def no_campaign(campaign: str, known: str) -> InputError:
    """Return the refusal of a campaign that the bank does not have."""
    return InputError(
        "code.campaign",
        Text("没有活动“{campaign}”；现有：{known}", "there is no campaign '{campaign}'; there are: {known}"),
        campaign=campaign[:64],
        known=known,
    )


def no_post(staff_id: str) -> ConflictError:
    """Return the refusal of a code for somebody without a post."""
    return ConflictError(
        "code.no_post",
        Text(
            "{staff} 现在没有岗位，不能生成码；请为在岗人员生成",
            "{staff} has no post now and gets no code; make it for somebody at work",
        ),
        staff=staff_id[:32],
    )


def not_yours(staff_id: str) -> DeniedError:
    """Return the refusal of a code for somebody whose work one does not lead."""
    return DeniedError(
        "code.scope",
        Text(
            "{staff} 不在您的范围内；客户经理只能为自己生成码，负责人可为本机构的人生成",
            "{staff} is out of your scope: a manager makes their own codes, a leader those of their units",
        ),
        staff=staff_id[:32],
    )


def bad_reason() -> InputError:
    """Return the refusal of a revocation without a reason."""
    return InputError(
        "code.reason",
        Text("请填写作废的原因，1 到 {most} 字", "say why it is revoked, in 1 to {most} characters"),
        most=MOST_REASON,
    )


def over(code: str) -> ConflictError:
    """Return the refusal to revoke what is over."""
    return ConflictError("code.over", Text("码 {name} 已经作废", "the code {name} is revoked already"), name=code)


def bad_poster(ending: str) -> InputError:
    """Return the refusal of a poster in another format."""
    return InputError(
        "code.poster",
        Text(
            "海报可存为 .pdf、.png 或 .svg，不是“{ending}”", "a poster is saved as .pdf, .png or .svg, not '{ending}'"
        ),
        ending=ending[:16],
    )


def bad_poster_codes(many: int) -> InputError:
    """Return the refusal of a poster of no code, or of more than it holds."""
    return InputError(
        "code.poster_codes",
        Text(
            "一张海报印 1 到 {most} 个码，这里是 {many} 个；请勾选或写出要印的码",
            "a poster holds 1 to {most} codes, not {many}; tick or name those that it shows",
        ),
        most=MOST_ON_POSTER,
        many=many,
    )


def no_place(place: str, known: str) -> InputError:
    """Return the refusal of a place that is not a code's."""
    return InputError(
        "code.place",
        Text("这个码没有地点“{place}”；它的地点：{known}", "the code has no place '{place}'; it has: {known}"),
        place=place[:MOST_NAME],
        known=known,
    )


def no_address() -> InputError:
    """Return the refusal of a poster whose codes would lead nowhere."""
    return InputError(
        "code.address",
        Text(
            "不知道链接的网址开头，印出的码打不开；请用 --address 给出，或在 bank.yaml 写 hosts",
            "a printed code would lead nowhere: give the beginning of links by --address, or hosts in bank.yaml",
        ),
    )


def no_folder(folder: str) -> InputError:
    """Return the refusal of a file in a folder that is not there."""
    return InputError(
        "code.folder",
        Text(
            "没有文件夹 {folder}；请先建好，或换一个位置",
            "there is no folder {folder}; make it first, or choose another place",
        ),
        folder=folder,
    )
