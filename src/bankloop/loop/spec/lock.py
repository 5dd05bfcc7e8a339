"""The lock: a campaign with everything it uses, resolved and hashed as a tree; approval freezes it, runs run from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.kit.errors import ConflictError, SpecError
from bankloop.kit.expression import LONGEST_WHOLE, STRING, TYPES, Expression, Type, parse, spelled_out
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.loop.spec.contracts import NO_BENEFIT, BankSpec, Benefit, Campaign, Policies, Product, Script
from bankloop.loop.spec.prior import two_sided

FORMAT = 1
# Whom somebody put into a segment or took out of it by hand is told by number, which no attribute is.
_BY_HAND: Mapping[str, Type] = {"customer_no": STRING}


@dataclass(frozen=True, slots=True)
class Lock:
    """A frozen campaign: the values it runs from and the digest that names them.

    ``attributes`` maps each attribute used to its definition, ``types`` to its type; ``models`` maps a model's role to
    the digest of its artefact.
    """

    digest: str
    content: Mapping[str, Any]
    campaign: Campaign
    products: tuple[Product, ...]
    benefits: tuple[Benefit, ...]
    scripts: tuple[Script, ...]
    policies: Policies
    types: Mapping[str, Type]
    models: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the campaign's key."""
        return self.campaign.campaign

    @property
    def segments(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the segments that the audience names, as they were then: version, digest and condition."""
        found: Mapping[str, Mapping[str, Any]] = self.content.get("segments", {})
        return found

    @property
    def audience(self) -> str:
        """Return the condition of the audience with the segments that it names spelled out."""
        return _whole(self.campaign, self.segments)

    @property
    def audience_names(self) -> tuple[str, ...]:
        """Return the attributes that the audience reads."""
        return attributes_of(self.audience, self.types)


def make_lock(
    campaign: Campaign,
    spec: BankSpec,
    attributes: Mapping[str, Mapping[str, Any]],
    models: Mapping[str, str],
    also: Iterable[str] = (),
    segments: Mapping[str, Mapping[str, Any]] | None = None,
) -> Lock:
    """Resolve a campaign against the bank and return its lock.

    ``attributes`` is the whole catalogue (name → definition with ``type``); only what the campaign reads, directly or
    through other attributes' ``uses``, enters the lock; ``also`` names what the rules and the model read besides,
    ``segments`` are those that the audience names, with version, digest and condition.
    """
    parts: dict[str, Any] = {
        "format": FORMAT,
        "campaign": campaign.model_dump(mode="json", by_alias=True),
        "products": {key: _plain(spec.products[key]) for key in _product_keys(campaign, spec)},
        "benefits": {key: _plain(spec.benefits[key]) for key in campaign.benefits if key != NO_BENEFIT},
        "scripts": {key: _plain(spec.scripts[key]) for key in campaign.scripts},
        "policies": _plain(spec.policies),
        "models": dict(models),
    }
    if segments:
        parts["segments"] = {name: dict(one) for name, one in segments.items()}
    used = names_used(campaign, spec, {name: TYPES[str(body["type"])] for name, body in attributes.items()}, segments)
    parts["attributes"] = {name: dict(attributes[name]) for name in _closure(used | set(also), attributes)}
    return read_lock({**parts, "tree": _tree(parts)})


def read_lock(content: Mapping[str, Any]) -> Lock:
    """Return the lock of a stored content; raise ``ConflictError`` when its hash tree does not hold."""
    parts = {key: value for key, value in content.items() if key != "tree"}
    if content.get("tree") != _tree(parts):
        raise ConflictError(
            "lock.broken",
            Text(
                "锁的内容与它的散列树不符；请从审批记录重新取得",
                "the lock does not match its hash tree; take it from the approval again",
            ),
        )
    return Lock(
        digest=digest(content["tree"]),
        content=content,
        campaign=Campaign.model_validate(two_sided(_as_written(parts["campaign"]))),
        products=tuple(Product.model_validate(_as_written(p)) for p in parts["products"].values()),
        benefits=tuple(Benefit.model_validate(_as_written(b)) for b in parts["benefits"].values()),
        scripts=tuple(Script.model_validate(s) for s in parts["scripts"].values()),
        policies=Policies.model_validate(_as_written(parts["policies"])),
        types={name: TYPES[str(body["type"])] for name, body in parts["attributes"].items()},
        models=parts["models"],
    )


def names_used(
    campaign: Campaign,
    spec: BankSpec,
    types: Mapping[str, Type],
    segments: Mapping[str, Mapping[str, Any]] | None = None,
) -> set[str]:
    """Return the attributes that a campaign's expressions read, its products', channels' and segments' included."""
    texts = [
        _whole(campaign, segments or {}),
        *campaign.reach.when.values(),
        *(t for one in campaign.rules.values() for t in (one.by, one.among) if t),
    ]
    texts += [segment.where for segment in spec.policies.segments.values()]
    texts += [quota.use for quota in (*campaign.reach.quotas, *spec.policies.plan.quotas) if quota.use]
    for key in _product_keys(campaign, spec):
        product = spec.products[key]
        texts += [text for text in (product.eligible, product.contribution.of) if text]
    texts += [spec.policies.channels[name].open_to for name in campaign.reach.channels]
    texts += [spec.policies.experiment.exempt] if spec.policies.experiment.exempt else []
    return {name for text in texts for name in attributes_of(text, types)}


def read_spelled_out(text: str, types: Mapping[str, Type]) -> Expression:
    """Return the expression of a text in which segments are spelled out, with those in them by hand."""
    return parse(text, {**_BY_HAND, **types}, longest=LONGEST_WHOLE)


def attributes_of(text: str, types: Mapping[str, Type]) -> tuple[str, ...]:
    """Return the attributes that such a text reads."""
    return tuple(name for name in read_spelled_out(text, types).names if name not in _BY_HAND)


def _whole(campaign: Campaign, segments: Mapping[str, Mapping[str, Any]]) -> str:
    return spelled_out(campaign.audience, {name: str(one["condition"]) for name, one in segments.items()})


def _product_keys(campaign: Campaign, spec: BankSpec) -> list[str]:
    """The campaign's products with the legs of bundles, and what its scripts speak for, as an invitation to an assessment."""
    spoken = [key for script in campaign.scripts for key in spec.scripts[script].products]
    missing = [key for key in spoken if key not in spec.products]
    if missing:
        raise SpecError(
            "spec.unknown_name",
            Text("话术提到的产品“{name}”不在货架上；请先上架", "a script speaks for product '{name}', which is not on the shelf; add it first"),
            name=missing[0],
        )  # fmt: skip
    legs = [leg for key in (*campaign.products, *spoken) for leg in spec.products[key].legs]
    return list(dict.fromkeys([*campaign.products, *spoken, *legs]))


def _closure(names: set[str], attributes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    seen: set[str] = set()
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [used for used in attributes[name].get("uses", ()) if used not in seen]
    return sorted(seen)


def _tree(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {name: digest(one) for name, one in value.items()} if key in _BRANCHES else digest(value)
        for key, value in parts.items()
    }


def amount_of(campaign: str) -> str:
    """Return how the registry and a lock call the model of the amount of a campaign's success."""
    return f"{campaign}.amount"


_BRANCHES = ("products", "benefits", "scripts", "attributes", "models", "segments")


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = value.model_dump(mode="json", by_alias=True)
    return plain


# Stored values are fen, ppm and days; the readers of the files want the forms that people write.
_WRITTEN = {
    "fixed": "fen", "attributed": "fen", "face": "fen", "threshold": "fen", "budget": "fen", "volume": "fen",
    "cost_per_thousand": "fen", "cost_per_hour": "fen", "rate": "ppm", "margin": "ppm", "complaints": "ppm",
    "retention": "ppm", "redemption": "ppm", "control": "ppm", "explore": "ppm", "holdout": "ppm", "prior": "ppm",
    "branch_benefits": "fen",
}  # fmt: skip


def _as_written(value: Any, unit: str | None = None) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_written(one, _WRITTEN.get(key, unit)) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_written(one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if unit == "fen":
            return f"{value // 100}.{value % 100:02d}"
        if unit == "ppm":
            return f"{value // 10_000}.{value % 10_000:04d}%"
    return value
