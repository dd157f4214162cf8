"""The analysis of a trial that memory should not hold whole: piece by piece, the estimates pooled.

A piece is a share of every arm's parts. Up to `piece` patients there is one, and the analysis is that of the whole
table. Beyond, each piece is a trial of its own with the same effect, and estimates are pooled with the inverse of their
variances as weights, which for pieces of thousands is what one fit of all would give:

    estimate = Σ wᵢ eᵢ / Σ wᵢ,   wᵢ = 1/SEᵢ²,   SE = (Σ wᵢ)^(−1/2),   p = 2 Φ(−|estimate|/SE)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spasmlab.parameter import beside
from spasmlab.trial import analysis
from spasmlab.trial.analysis import Effect
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Block
from spasmlab.trial.store import Store


def analyse(design: Design, store: Store, blocks: Sequence[Block]) -> list[Effect]:
    """Every analysed outcome of every arm against the control, from the parts of a store."""
    patients = sum(block.enrolled for block in blocks)
    cut = cut_up(blocks, math.ceil(patients / beside("trial.pieces")["piece"].number))
    found = [analysis.analyse(design, store.whole(piece)) for piece in cut]
    return [pooled(of_one) for of_one in zip(*found, strict=True)]


def cut_up(blocks: Sequence[Block], count: int) -> list[list[Block]]:
    """The blocks in `count` pieces with a share of every sequence in each; fewer where a sequence has fewer blocks."""
    by_sequence: dict[tuple[int, ...], list[Block]] = {}
    for block in blocks:
        by_sequence.setdefault(block.sequence, []).append(block)
    count = min(count, *(len(own) for own in by_sequence.values()), len(blocks))
    found: list[list[Block]] = [[] for _ in range(count)]
    for own in by_sequence.values():
        for place, block in enumerate(own):
            found[place * count // len(own)].append(block)
    return found


def pooled(effects: Sequence[Effect]) -> Effect:
    """One effect from those of the pieces; pieces whose model failed are left out and said."""
    if len(effects) == 1:
        return effects[0]
    n = sum(effect.n for effect in effects)
    good = [effect for effect in effects if not effect.failed and effect.high > effect.low]
    if not good:
        return replace(effects[0], n=n)
    from scipy import stats

    width = float(stats.norm.ppf(0.5 + 0.5 * analysis.CONFIDENCE))
    weights = np.array([(2 * width / (effect.high - effect.low)) ** 2 for effect in good])
    estimate = float(np.average([effect.estimate for effect in good], weights=weights))
    error = 1 / math.sqrt(float(weights.sum()))
    p = 2 * float(stats.norm.sf(abs(estimate) / error))
    low, high = estimate - width * error, estimate + width * error
    left_out = len(effects) - len(good)
    note = f"{left_out} of {len(effects)} pieces failed and are left out" if left_out else ""
    return replace(good[0], n=n, estimate=estimate, low=low, high=high, p=p, note=note)
