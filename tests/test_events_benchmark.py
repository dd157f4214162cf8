"""The benchmark's own kernels: the one written by hand and the generated one give the same levels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
def test_hand_written_and_generated_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import exposure_speed

    made = exposure_speed.problem(21)
    generated, by_hand = exposure_speed.generated(made), exposure_speed.hand_written(made)
    np.testing.assert_allclose(by_hand, generated, rtol=1e-9, atol=1e-12)
    truth = exposure_speed.reference(made.take(range(2)))
    assert np.max(np.abs(generated[:2] - truth) / truth.max(axis=2, keepdims=True)) < 1e-5
    kept = exposure_speed.streaming(made)
    assert np.array_equal(kept, generated[: exposure_speed.SAMPLE])
    sys.modules.pop("exposure_speed", None)
