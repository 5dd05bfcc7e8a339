"""Step 1, 建模型: train, describe by a card, keep as an artefact whose digest the lock names."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop import __version__
from bankloop.kit.errors import ConflictError
from bankloop.kit.expression import Kind, Type
from bankloop.kit.ids import digest, digest_bytes
from bankloop.kit.text import Text
from bankloop.loop.model import artefacts, cards
from bankloop.loop.model.amounts import Amount, amount_card, train_amount
from bankloop.loop.model.beliefs import LINEAR_TO, beliefs_of
from bankloop.loop.model.choosing import learner_for
from bankloop.loop.model.contracts import Floats, Labelled, ModelCard
from bankloop.loop.model.learners import Propensity, train_propensity, without_empty
from bankloop.loop.model.posterior import StatedPrior
from bankloop.loop.model.provenance import code_digest, data_digest
from bankloop.loop.model.uplift import SEGMENTS, Uplift, learn_uplift, stated_uplift
from bankloop.loop.spec import Campaign

# What the registry keeps.
Artefact = Uplift | Propensity | Amount
T = TypeVar("T", Uplift, Propensity, Amount)
# Never features: who may be contacted is decided by rules, and protected or confidential facts must not steer offers.
PSI_ROWS = 50_000
# Nineteen times in twenty, one-sided; and below so many rows nothing is sure.
_ONE_SIDED, _FEW = 1.6448536269514722, 30
_NEVER = frozenset(
    {
        "marketing_consent", "do_not_contact", "personalisation_off", "phone_valid", "is_staff", "is_staff_relative",
        "frozen", "watchlist", "overdue_days", "relation_risk", "days_since_complaint", "gender", "region", "acquisition_cost_fen",
    }
)  # fmt: skip


def feature_names(types: Mapping[str, Type], without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the numeric and boolean attributes a model may read, sorted; ``without`` names those that leak."""
    barred = _NEVER | set(without)
    usable = (name for name, type_ in types.items() if type_.kind in (Kind.NUMBER, Kind.BOOL))
    return tuple(sorted(name for name in usable if name not in barred))


def feature_matrix(state: pa.Table, names: Iterable[str]) -> Floats:
    """Return the features (n, f) as float64, NULL as NaN; large numbers on a log scale, which is how they matter."""
    columns = [
        scaled(np.asarray(state[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)) for name in names
    ]
    return np.column_stack(columns) if columns else np.zeros((state.num_rows, 0))


def feature_row(row: Mapping[str, Any], names: Iterable[str]) -> Floats:
    """Return the features (f,) of one customer's attributes, None as NaN: as the batch has them."""
    return scaled(np.array([np.nan if row[name] is None else float(row[name]) for name in names]))


def scaled(column: Floats) -> Floats:
    """Return numbers up to a thousand as they are and beyond on a log scale: every number by itself, in their order.

    What others hold does not change what one customer's balance looks like, so that one row is scored as in the batch.
    """
    size = np.abs(column)
    beyond = LINEAR_TO * (1.0 + np.log(np.maximum(size, LINEAR_TO) / LINEAR_TO))
    return np.asarray(np.where(size > LINEAR_TO, np.sign(column) * beyond, column), np.float64)


def train_first(campaign: Campaign, data: Labelled, now: Floats, seed: int) -> tuple[Uplift, ModelCard]:
    """Train a propensity on unrandomised history and put the stated prior on it: "not yet causal".

    ``now`` (m, f) are the features of the customers to be scored, for the stability index.
    """
    data, now, dropped = without_empty(data, now)
    base, test = train_propensity(data, seed)
    model = stated_uplift(base, data, stated_prior(campaign), campaign.model.moderators, seed)
    card = made_card(campaign.campaign, "segments × prior", base, data, test, now, seed)
    told = replace(_with_beliefs(card, campaign, model), data=data_digest(data), lock=file_digest(campaign))
    return model, replace(told, dropped=dropped)


def train_causal(
    campaign: Campaign, data: Labelled, now: Floats, seed: int, before: Uplift | None = None, lock: str = ""
) -> tuple[Uplift, ModelCard]:
    """Learn the base from who got nothing in randomised rounds, and the uplift from the arms where chance decided.

    ``before`` is the model in force: a new base, and segments by it, replace its own only where the base is surely
    better on rows that it never saw. What is stated is the campaign's, as it is written now. ``lock`` is the digest
    of the newest round's.
    """
    assert data.quiet is not None
    alone = data.part(data.quiet)
    base, test = train_propensity(alone, seed)
    stated, named = stated_prior(campaign), campaign.model.moderators
    if before is None or surely_better(base, before.base, alone.part(test)):
        first = stated_uplift(base, alone, stated, named, seed)
    else:
        base, first = before.base, before.stating(stated, named, data)
    choice = learner_for(campaign.model.learner, first, data, seed)
    model, effects = learn_uplift(first, data, seed, choice.learner)
    card = made_card(campaign.campaign, "uplift", base, alone, test, now, seed, data.x)
    return model, replace(
        _with_beliefs(card, campaign, model),
        causal=model.causal,
        rows=len(data.y),
        positives=int(data.y.sum()),
        effects=effects,
        rounds=() if data.round is None else tuple(np.unique(data.round).tolist()),
        learner=choice.learner,
        learned={key: choice.learner if key in model.learned else SEGMENTS for key in effects},
        why={"zh": choice.said.zh, "en": choice.said.en},
        gains=choice.gains,
        data=data_digest(data),
        lock=lock or file_digest(campaign),
    )


def file_digest(campaign: Campaign) -> str:
    """Return what stands for the lock before there is one: the campaign's file, word for word."""
    return digest(campaign.model_dump(mode="json", by_alias=True))


def surely_better(one: Propensity, other: Propensity, held: Labelled) -> bool:
    """Return whether one propensity predicts held rows better than another, nineteen times in twenty (log loss, paired)."""
    if len(held.y) < _FEW:
        return False
    p, q = (np.clip(each.predict(held.x), 1e-4, 1.0 - 1e-4) for each in (one, other))
    gain = np.where(held.y > 0, np.log(p / q), np.log((1.0 - p) / (1.0 - q)))
    return bool(gain.mean() > _ONE_SIDED * gain.std() / len(gain) ** 0.5)


def ways(campaign: Campaign) -> tuple[str, ...]:
    """Return every action key of a campaign's products, benefits and channels."""
    return tuple("|".join(one) for one in product(campaign.products, campaign.benefits, campaign.reach.channels))


def stated_prior(campaign: Campaign) -> StatedPrior:
    """Return what a campaign's file states, as fractions."""
    said = campaign.model.prior
    wins = {name: one.wins / 1_000_000 for name, one in said.items()}
    loses = {name: one.loses / 1_000_000 for name, one in said.items()}
    return StatedPrior(wins, loses, campaign.model.base == "fails")


def _with_beliefs(card: ModelCard, campaign: Campaign, model: Uplift) -> ModelCard:
    said = campaign.model.stated
    stated = {name: (one.wins / 1_000_000, one.loses / 1_000_000) for name, one in campaign.model.prior.items()}
    statement = {} if said is None else {"owner": said.owner, "on": said.on.isoformat(), "source": said.source}
    return replace(card, segments=beliefs_of(model, ways(campaign)), stated=stated, statement=statement)


def made_card(
    name: str,
    kind: str,
    base: Propensity,
    data: Labelled,
    test: NDArray[np.bool_],
    now: Floats,
    seed: int,
    everybody: Floats | None = None,
) -> ModelCard:
    """Return a card of what the propensity says of rows held out (``test``), and how today's customers differ."""
    score, y = base.predict(data.x[test]), data.y[test]
    edges, shares = cards.tenths(base.predict(_some(data.x if everybody is None else everybody, seed)))
    return ModelCard(
        model=name,
        kind=kind,
        causal=False,
        rows=len(data.y),
        positives=int(data.y.sum()),
        auc=cards.auc(score, y),
        ks=cards.ks(score, y),
        lift_at_10=cards.lift_at(score, y),
        psi=cards.index_of(shares, cards.shares_between(base.predict(_some(now, seed)), edges)) if len(now) else 0.0,
        calibration=cards.calibration(score, y),
        features=tuple(data.features),
        seed=seed,
        window=data.window,
        edges=tuple(edges.tolist()),
        shares=tuple(shares.tolist()),
        intervals=cards.intervals(score, y, seed),
        code=code_digest(),
        version=__version__,
    )


def _some(x: Floats, seed: int) -> Floats:
    """Return enough rows to compare two distributions by: at this size chance moves the index by under 0.001."""
    if len(x) <= PSI_ROWS:
        return x
    return x[np.random.default_rng(seed).choice(len(x), PSI_ROWS, replace=False)]


def train_forecast(
    name: str, data: Labelled, now: Floats, seed: int, file: Mapping[str, Any]
) -> tuple[Propensity, ModelCard]:
    """Train a chance of what customers do by themselves; ``file`` is what its definition says, ``now`` (m, f) as above."""
    data, now, dropped = without_empty(data, now)
    base, test = train_propensity(data, seed)
    card = made_card(name, "forecast", base, data, test, now, seed)
    return base, replace(card, data=data_digest(data), lock=digest(file), dropped=dropped)


def train_amount_model(
    name: str, campaign: Campaign, data: Labelled, now: Floats, seed: int
) -> tuple[Amount, ModelCard]:
    """Train the expected amount of a campaign's success: ``y`` (n,) of ``data`` is fen of those who succeeded."""
    data, now, dropped = without_empty(data, now)
    found, test = train_amount(data, seed)
    plain = ModelCard(
        model=name, kind="amount", causal=False, rows=len(data.y), positives=0, auc=0.5, ks=0.0, lift_at_10=0.0, psi=0.0,
        calibration=(), features=tuple(data.features), seed=seed, window=data.window, data=data_digest(data),
        code=code_digest(), lock=file_digest(campaign), version=__version__, dropped=dropped,
    )  # fmt: skip
    return found, amount_card(plain, found, data, test, now, seed)


def save_model(model: Artefact, folder: Path) -> tuple[str, Path]:
    """Write the artefact under ``folder`` and return (digest, path); the same model has the same digest."""
    body = artefacts.written(model)
    digest = digest_bytes([body])
    path = folder / f"{digest[:16]}.model"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(body)
    partial.replace(path)
    return digest, path


def is_kept(path: Path) -> bool:
    """Return whether there is an artefact at ``path`` that this version reads; ``load_model`` judges what it holds."""
    return path.exists() and zipfile.is_zipfile(path)


def load_model(path: Path, digest: str) -> Uplift:
    """Return a campaign's artefact at ``path``; refuse one whose bytes are not those that were approved."""
    return _loaded(path, digest, Uplift)


def load_propensity(path: Path, digest: str) -> Propensity:
    """Return a forecast's artefact at ``path``; refuse one whose bytes are not those that were approved."""
    return _loaded(path, digest, Propensity)


def load_amount(path: Path, digest: str) -> Amount:
    """Return an amount's artefact at ``path``; refuse one whose bytes are not those that were approved."""
    return _loaded(path, digest, Amount)


def _loaded(path: Path, digest: str, kind: type[T]) -> T:
    body = path.read_bytes() if path.exists() else b""
    if digest_bytes([body]) != digest:
        raise ConflictError(
            "model.artefact",
            Text(
                "模型文件 {name} 缺失或被改动；请从备份恢复，或重新训练并审批",
                "the model file {name} is missing or was changed; restore it from a backup, or train and approve again",
            ),
            name=path.name,
        )
    try:
        model = artefacts.read(body)
    except ValueError as error:
        raise ConflictError(
            "model.format",
            Text(
                "模型文件 {name} 不是本版本的格式，不予打开（旧版本的模型文件可以夹带程序）；请用 bankloop learn 重新学习，"
                "由他人批准后重新提交战役",
                "the model file {name} is not of this version's format and is not opened: those of earlier versions "
                "could carry code; learn it again with bankloop learn, have it approved and submit the campaign again",
            ),
            name=path.name,
        ) from error
    if not isinstance(model, kind):
        raise ConflictError(
            "model.kind",
            Text("模型文件 {name} 不是要用的那种模型；请核对登记", "the model file {name} is of another kind than is asked for; check the registry"),
            name=path.name,
        )  # fmt: skip
    return model
