"""Reads a bank's files into spec values; every finding names file, line, reason and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bankloop.kit.errors import ExpressionError, SpecError
from bankloop.kit.expression import BOOL, MONEY, Kind, Type, masked, parse
from bankloop.kit.located import Located, nearest_said, read_located
from bankloop.kit.text import Text
from bankloop.kit.wording import value_reason
from bankloop.loop.spec.contracts import (
    ANY_CHANNEL,
    NO_BENEFIT,
    BankSpec,
    BenefitPool,
    Campaign,
    Policies,
    Product,
    Quota,
    Script,
    Shelf,
    Solution,
    Spec,
)
from bankloop.loop.spec.prior import check_both_sides, check_stated

T = TypeVar("T", bound=Spec)


def read_bank_spec(folder: Path, types: Mapping[str, Type]) -> BankSpec:
    """Read and check all files of a bank that the loop uses; ``types`` is the catalogue of attributes.

    Raises ``SpecError`` or ``ExpressionError`` at the first finding, naming the file and line.
    """
    shelf = read_spec(folder / "products.yaml", Shelf)
    pool = read_spec(folder / "benefits.yaml", BenefitPool)
    policies = read_spec(folder / "policies.yaml", Policies)
    scripts = [read_spec(path, Script) for path in sorted((folder / "scripts").glob("*.yaml"))]
    solutions = [read_spec(path, Solution) for path in sorted((folder / "solutions").glob("*.yaml"))]
    spec = BankSpec(
        products=shelf.rated,
        benefits={benefit.key: benefit for benefit in pool.benefits},
        scripts={script.script: script for script in scripts},
        policies=policies,
        campaigns={},
        solutions={one.solution: one for one in solutions},
    )
    _check_shelf(folder / "products.yaml", spec.products, spec.policies, types)
    _check_policies(folder, spec, types)
    for path in sorted((folder / "solutions").glob("*.yaml")):
        _check_solution(read_located(path), spec)
    campaigns = [read_campaign(path, spec, types) for path in sorted((folder / "campaigns").glob("*.yaml"))]
    _check_campaigns(folder, spec, [campaign.campaign for campaign in campaigns])
    return spec.model_copy(update={"campaigns": {campaign.campaign: campaign for campaign in campaigns}})


def read_campaign(path: Path, spec: BankSpec, types: Mapping[str, Type]) -> Campaign:
    """Read one campaign file and check every name and expression in it against the bank."""
    located = _solved(read_located(path), spec)
    check_both_sides(located)
    campaign = validated(located, Campaign)
    known_names(located, ("products",), campaign.products, spec.products, Text("产品", "product"))
    known_names(located, ("benefits",), campaign.benefits, [*spec.benefits, NO_BENEFIT], Text("权益", "benefit"))
    known_names(located, ("scripts",), campaign.scripts, spec.scripts, Text("话术", "script"))
    channels = spec.policies.channels
    known_names(located, ("reach", "channels"), campaign.reach.channels, channels, Text("渠道", "channel"))
    known_names(located, ("reach", "when"), campaign.reach.when, campaign.reach.channels, Text("渠道", "channel"))
    for name in campaign.model.prior:
        known_names(located, ("model", "prior", name), [name], [*channels, *spec.benefits], Text("动作", "action"))
    check_stated(located, campaign.model, campaign.reach.channels, campaign.benefits)
    measured = [name for name, one in types.items() if one.kind in (Kind.NUMBER, Kind.BOOL)]
    known_names(
        located,
        ("model", "moderators"),
        campaign.model.moderators,
        measured,
        Text("可度量的属性", "measured attribute"),
    )
    check_condition(located, ("audience",), masked(campaign.audience), types)
    for channel, text in campaign.reach.when.items():
        check_condition(located, ("reach", "when", channel), text, types)
    for name, rule in campaign.rules.items():
        _number(located, ("rules", name, "by"), rule.by, types)
        if rule.among is not None:
            check_condition(located, ("rules", name, "among"), rule.among, types)
    _check_quotas(located, ("reach", "quotas"), campaign.reach.quotas, spec, types)
    return campaign


def _solved(located: Located, spec: BankSpec) -> Located:
    """Fill in what a campaign takes from its solution's newest published version; what the file writes stands."""
    named = located.content.get("solution")
    if named is None:
        return located
    known_names(located, ("solution",), [str(named)], spec.solutions, Text("方案包", "solution"))
    newest = spec.solutions[str(named)].published
    if newest is None:
        raise SpecError(
            "spec.no_published",
            Text("{place}：方案包 {name} 还没有已发布的版本；先发布一版", "{place}: the solution {name} has no published version; publish one first"),
            place=located.place("solution"), name=named,
        )  # fmt: skip
    taken = {
        "products": list(newest.products),
        "benefits": list(newest.benefits) or [NO_BENEFIT],
        "scripts": list(newest.scripts),
    }
    return replace(located, content={**taken, **located.content, "solution": f"{named}@{newest.version}"})


def read_spec(path: Path, model: type[T]) -> T:
    """Read one file into its value; raise ``SpecError`` with file, line and cure."""
    return validated(read_located(path), model)


def validated(located: Located, model: type[T]) -> T:
    """Return a file's content as its value; raise ``SpecError`` with file, line and cure."""
    try:
        return model.model_validate(located.content)
    except ValidationError as error:
        raise _finding(located, error.errors()[0], model) from error


def _finding(located: Located, first: ErrorDetails, model: type[Spec]) -> SpecError:
    route = tuple(part for part in first["loc"] if not (isinstance(part, str) and part.startswith("function")))
    name = ".".join(str(part) for part in route) or located.path.name
    place = located.place(*route)
    if first["type"] == "extra_forbidden":
        return SpecError(
            "spec.unknown_field",
            Text("{place}：没有“{name}”这一项；{cure}", "{place}: there is no field '{name}'; {cure}"),
            place=place,
            name=name,
            cure=nearest_said(str(route[-1]), _fields(model, route[:-1]), Text("请删除", "remove it")),
        )
    if first["type"] == "missing":
        return SpecError(
            "spec.missing_field",
            Text("{place}：缺少“{name}”；请补上", "{place}: '{name}' is missing; add it"),
            place=place,
            name=name,
        )
    return SpecError(
        "spec.value",
        Text("{place}：“{name}”不对：{reason}", "{place}: '{name}' is not right: {reason}"),
        place=place,
        name=name,
        reason=value_reason(first),
    )


def _fields(model: type[Spec], route: tuple[str | int, ...]) -> list[str]:
    """Return the names a spec knows at a route, as far as the route can be followed."""
    here: object = model
    for part in route:
        if isinstance(part, int) or not isinstance(here, type) or not issubclass(here, Spec):
            continue
        field = here.model_fields.get(part)
        annotation = field.annotation if field else None
        arguments = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type) and issubclass(a, Spec)]
        here = arguments[0] if arguments else annotation
    if isinstance(here, type) and issubclass(here, Spec):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def known_names(
    located: Located, route: tuple[str | int, ...], names: Iterable[str], known: Iterable[str], kind: Text
) -> None:
    """Refuse the first of ``names`` that is not known, naming its place and the nearest that is."""
    known = list(known)
    for name in names:
        if name in known:
            continue
        raise SpecError(
            "spec.unknown_name",
            Text("{place}：银行没有叫“{name}”的{kind}；{cure}", "{place}: the bank has no {kind} '{name}'; {cure}"),
            place=located.place(*route),
            name=name,
            kind=kind,
            cure=nearest_said(name, known, Text("请先建立它", "create it first")),
        )


def check_condition(
    located: Located, route: tuple[str | int, ...], text: str, types: Mapping[str, Type], wants: Type | None = BOOL
) -> None:
    """Refuse an expression that cannot be, with its place in the file; ``wants`` is its type, yes or no unless said."""
    try:
        parse(text, types, wants=wants)
    except ExpressionError as error:
        error.message = Text(
            f"{located.place(*route)}：{error.message.zh}", f"{located.place(*route)}: {error.message.en}"
        )
        error.fields["place"] = located.place(*route)
        error.args = (f"[{error.code}] {error.message.en}",)
        raise


def _number(located: Located, route: tuple[str | int, ...], text: str, types: Mapping[str, Type]) -> None:
    """Refuse what orders nobody: an expression that is no number."""
    check_condition(located, route, text, types, None)
    if parse(text, types).type.kind is not Kind.NUMBER:
        raise SpecError(
            "spec.not_a_number",
            Text(
                "{place}：“{text}”不是数，排不出先后；请写一个数或金额的表达式",
                "{place}: '{text}' is no number and orders nobody; write an expression of a number or an amount",
            ),
            place=located.place(*route),
            text=text,
        )


def _amount(located: Located, route: tuple[str | int, ...], text: str, types: Mapping[str, Type]) -> None:
    """Refuse what no customer can take of a volume: an expression that is no number."""
    check_condition(located, route, text, types, None)
    if parse(text, types).type.kind is not Kind.NUMBER:
        raise SpecError(
            "spec.not_an_amount",
            Text(
                "{place}：“{text}”不是数，不能作每位客户占用的金额；请写以元计的表达式，如 loan_limit * 0.6",
                "{place}: '{text}' is no number, so it is no amount that a customer takes; "
                "write an expression in yuan, as loan_limit * 0.6",
            ),
            place=located.place(*route),
            text=text,
        )


def read_shelf(path: Path, spec: BankSpec, types: Mapping[str, Type]) -> dict[str, Product]:
    """Read a file of products as the bank ``spec`` would have it; raise like ``read_bank_spec``."""
    products = read_spec(path, Shelf).rated
    _check_shelf(path, products, spec.policies, types)
    return products


def _check_shelf(path: Path, products: Mapping[str, Product], policies: Policies, types: Mapping[str, Type]) -> None:
    located = read_located(path)
    for index, product in enumerate(products.values()):
        at = ("products", index)
        if product.eligible is not None:
            check_condition(located, (*at, "eligible"), product.eligible, types)
        if product.contribution.of is not None:
            check_condition(located, (*at, "contribution", "of"), product.contribution.of, types, MONEY)
        where = product.available
        known_names(located, (*at, "available", "channels"), where.channels or (), policies.channels, _CHANNEL)
        known_names(located, (*at, "available", "segments"), where.segments or (), policies.segments, _SEGMENT)


def _check_policies(folder: Path, spec: BankSpec, types: Mapping[str, Type]) -> None:
    policies = read_located(folder / "policies.yaml")
    for name, channel in spec.policies.channels.items():
        check_condition(policies, ("channels", name, "open_to"), channel.open_to, types)
    for name, segment in spec.policies.segments.items():
        check_condition(policies, ("segments", name, "where"), segment.where, types)
    if spec.policies.experiment.exempt is not None:
        check_condition(policies, ("experiment", "exempt"), spec.policies.experiment.exempt, types)
    caps = [cap.channel for cap in spec.policies.contact.caps]
    known_names(policies, ("contact", "caps"), caps, [*spec.policies.channels, ANY_CHANNEL], _CHANNEL)
    _check_quotas(policies, ("plan", "quotas"), spec.policies.plan.quotas, spec, types)


def _check_campaigns(folder: Path, spec: BankSpec, names: list[str]) -> None:
    """Check the campaigns that the plan's policies name."""
    policies, plan = read_located(folder / "policies.yaml"), spec.policies.plan
    kind = Text("战役", "campaign")
    for field, pairs in (("exclude", plan.exclude), ("require", plan.require)):
        for index, pair in enumerate(pairs):
            known_names(policies, ("plan", field, index), pair, names, kind)
    for index, quota in enumerate(plan.quotas):
        known_names(
            policies, ("plan", "quotas", index, "campaign"), [quota.campaign] if quota.campaign else [], names, kind
        )


def _check_quotas(
    located: Located, route: tuple[str, ...], quotas: tuple[Quota, ...], spec: BankSpec, types: Mapping[str, Type]
) -> None:
    """Check the names and amounts that quotas use, but for campaigns, which are read later."""
    known = {
        "product": (spec.products, Text("产品", "product")),
        "benefit": ([*spec.benefits, NO_BENEFIT], Text("权益", "benefit")),
        "channel": (spec.policies.channels, _CHANNEL),
        "segment": (spec.policies.segments, _SEGMENT),
    }
    for index, quota in enumerate(quotas):
        for field, (names, kind) in known.items():
            named = getattr(quota, field)
            known_names(located, (*route, index, field), [named] if named else [], names, kind)
        if quota.use is not None:
            _amount(located, (*route, index, "use"), quota.use, types)


def _check_solution(located: Located, spec: BankSpec) -> None:
    solution = validated(located, Solution)
    known_names(located, ("segment",), [solution.segment] if solution.segment else [], spec.policies.segments, _SEGMENT)
    for index, one in enumerate(solution.versions):
        at = ("versions", index)
        known_names(located, (*at, "products"), one.products, spec.products, Text("产品", "product"))
        known_names(located, (*at, "benefits"), one.benefits, [*spec.benefits, NO_BENEFIT], Text("权益", "benefit"))
        known_names(located, (*at, "scripts"), one.scripts, spec.scripts, Text("话术", "script"))


_CHANNEL, _SEGMENT = Text("渠道", "channel"), Text("客群", "segment")
