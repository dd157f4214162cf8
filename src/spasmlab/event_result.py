"""The result of `spasmlab exposure --events FILE`: a prediction for every row of the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spasmlab import event_run, quantity, result
from spasmlab.chain import events
from spasmlab.errors import InputError
from spasmlab.event_run import Predicted, Question
from spasmlab.exposure_result import FLUIDS
from spasmlab.io import event_table
from spasmlab.io.event_rows import Block, Subject
from spasmlab.io.event_table import EVIDS
from spasmlab.progress import Progress, Stages

MOST_SHOWN = 100_000  # rows kept in memory and printed; longer tables are written to a file
LINES_SEEN = 1_000
CHECKED, CHECKED_ROWS = 2, 500  # individuals solved again, and the most rows of one that is


def compute(question: Question, table: Path, out: Path | None, stages: Stages) -> dict[str, Any]:
    """Predict row for row; with `out` the rows go there and memory does not grow with the table."""
    if out is not None and out.is_dir():
        raise InputError(f"'{out}' is a folder; possible with --events: a file, such as predicted.csv")
    kept: list[Predicted] = []
    counts = {"individuals": 0, "rows": 0, "observations": 0, "doses": 0}
    ignored: set[str] = set()
    with stages("Event table: predicting") as progress:
        first = _first(table)
        stream = _counted(question, event_table.blocks(table), counts, ignored, progress, _rows_about(table))
        if out is None:
            for found in stream:
                kept.append(found)
                if counts["rows"] > MOST_SHOWN:
                    raise InputError(
                        f"the event table has more than {MOST_SHOWN} rows; possible: --out predicted.csv, "
                        "which is written row by row"
                    )
        else:
            _write(stream, out)
    with stages("Event table: checking"):
        error = event_run.achieved_error(question, list(event_run.predict(question, first)))
    return {
        **result.head("exposure"),
        "drug": question.drug.name,
        "formulation": question.formulation,
        "events": str(table),
        **counts,
        "columns_not_used": sorted(ignored),
        "draws": question.draws,
        "seed": question.seed,
        "intervals": result.INTERVALS,
        "predictions": [row for one in kept for row in _rows(one)],
        "written_to": None if out is None else str(out),
        "tolerances": {
            "achieved_error": error,
            "checked_individuals": len(first),
            "relative": events.COURSE_RELATIVE,
        },
        "seconds": result.seconds(stages),
    }


def _rows_about(table: Path) -> int:
    """About how many rows a file has, from its size and the length of its first lines: for the progress bar."""
    with table.open("rb") as lines:
        read = list(islice(lines, LINES_SEEN))
    length = sum(map(len, read)) / max(1, len(read))
    return int(table.stat().st_size / max(1.0, length))


def _first(table: Path) -> list[Subject]:
    found = islice((one for one in event_table.subjects(table) if len(one) <= CHECKED_ROWS), CHECKED)
    return list(found)


def _counted(
    question: Question,
    blocks: Iterable[Block],
    counts: dict[str, int],
    ignored: set[str],
    progress: Progress,
    about: int,
) -> Iterator[Predicted]:
    for found in event_run.predict(question, blocks):
        rows = found.rows
        assert isinstance(rows, Block)
        counts["individuals"] += len(rows.names)
        counts["rows"] += len(rows)
        counts["observations"] += int((rows["EVID"] == 0).sum())
        counts["doses"] += int(np.isin(rows["EVID"], (1, 4)).sum())
        ignored |= {n for n in rows.extra if not events.is_covariate(question.pathway, n)}
        progress(counts["rows"], max(about, counts["rows"]))
        yield found


def _write(stream: Iterable[Predicted], out: Path) -> None:
    """Written beside its place and moved there at the end, so that no half of it is left."""
    draft = out.with_name(f".{out.name}.part")
    try:
        with draft.open("w", encoding="utf-8") as target:
            event_table.write((event_run.with_predictions(found) for found in stream), target)
        draft.replace(out)
    except OSError as problem:
        raise InputError(f"cannot write '{out}': {problem.strerror or problem}") from problem
    finally:
        draft.unlink(missing_ok=True)


def _rows(found: Predicted) -> Iterator[dict[str, Any]]:
    one = found.rows
    assert isinstance(one, Block)
    names = one.name_of_rows
    for place, line in enumerate(one.lines.tolist()):
        fluids = {
            name: quantity.from_draws(found.of(signal)[:, place], "mg/L").as_dict()
            for name, signal in FLUIDS.items()
            if signal in found.signals
        }
        observed = float(one["DV"][place])
        yield {
            "row": line,
            "id": names[place],
            "time_h": float(one["TIME"][place]),
            "event": EVIDS[int(one["EVID"][place])],
            "dv": quantity.finite(observed),
            **fluids.pop("plasma"),
            **fluids,
        }
