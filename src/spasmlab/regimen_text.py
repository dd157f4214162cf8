"""The grammar of written regimens: text in, `Regimen` out, or one line that says what is wrong."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from spasmlab.errors import InputError, nearest
from spasmlab.regimen import DAY_H, NAMED_INTERVALS, Amount, Part, Regimen, number

EXAMPLES = "'300 mg once', '600 mg tid', '300 mg at 08:00, 600 mg at 20:00'"
SCHEDULES = "once, daily, bid, tid, qid, q6h, every 8 h, at 08:00"
MASS_MG = {"g": 1000.0, "mg": 1.0, "ug": 0.001, "µg": 0.001, "μg": 0.001, "mcg": 0.001,
           "gram": 1000.0, "grams": 1000.0, "milligram": 1.0, "milligrams": 1.0}  # fmt: skip
_TIMES_A_DAY = {"once": 1, "twice": 2, "three times": 3, "3 times": 3, "four times": 4, "4 times": 4}
WORDS_H = {"qd": 24.0, "od": 24.0, "nightly": 24.0, "every day": 24.0, "bd": 12.0, "tds": 8.0, "qds": 6.0}
WORDS_H |= {"every other day": 48.0, "weekly": 168.0, "once weekly": 168.0, **NAMED_INTERVALS}
WORDS_H |= {f"{words} {day}": DAY_H / n for words, n in _TIMES_A_DAY.items() for day in ("daily", "a day")}
SPANS_H = {"h": 1.0, "hour": 1.0, "hours": 1.0, "d": 24.0, "day": 24.0, "days": 24.0,
           "w": 168.0, "week": 168.0, "weeks": 168.0}  # fmt: skip
MOST_MG, SHORTEST_H, LONGEST_H, LONGEST_DURATION_H = 100_000.0, 0.25, 31 * DAY_H, 200 * 366 * DAY_H

_SEPARATOR = re.compile(r"\s*[,;]?\s*\bthen\b\s*|\s*[,;]\s*")
_COMMA_IN_NUMBER = re.compile(r"(?<![\w.:])(?<!x )(?<!for )(\d+),(?=\d)")
_KEPT = "\0"  # stands for a comma inside a number while the parts are split
_AMOUNT = re.compile(
    r"(?P<number>[+-]?\s*(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:e[+-]?\d+)?)\s*(?P<unit>[a-zµμ]*)"
    r"(?P<per>(?:\s*/\s*[a-z]+)*)(?P<rest>.*)"
)
_COUNT = re.compile(r"\s*(?:\bx|×)\s*(?P<count>\d+(?:\.\d+)?)\s*(?P<span>[a-z]*)$")
_FOR = re.compile(r"\s*\bfor\s+(?P<count>\d+(?:\.\d+)?)\s*(?P<span>[a-z]+)$")
_MISSED = re.compile(r"\s*\bmissing\s+(?:doses?\s+)?(?P<doses>\d+(?:\s*and\s*\d+)*)")
_LATE = re.compile(
    r"\s*\bwith\s+dose\s+(?P<dose>\d+)\s+late\s+by\s+(?P<hours>\d+(?:\.\d+)?)\s*(?:h|hours?)\b"
)
_EVERY = re.compile(r"(?:q|every)\s*(?P<count>\d+(?:\.\d+)?)\s*(?P<span>[a-z]+)")
_CLOCKS = re.compile(r"at\s+(?P<clocks>.+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def read(text: str) -> Regimen:
    """Read a whole regimen; InputError says what was given and what is possible."""
    if not text.strip():
        raise InputError(f"the regimen is empty; write for example {EXAMPLES}")
    if text.strip().lower().endswith(".csv"):
        raise InputError(
            f"'{text.strip()}' is an event table (CSV), not a written regimen; possible: --events {text.strip()}, "
            f"or a regimen such as {EXAMPLES}"
        )
    parts = [_read_part(piece, text) for piece in _pieces(text)]
    regimen = Regimen(tuple(_join_clocks(parts)))
    _refuse_endless_middle(regimen, text)
    return regimen


def _pieces(text: str) -> list[str]:
    plain = re.sub(r"(?<=\b[a-z])\.(?=[a-z]\.|\W|$)", "", " ".join(text.lower().split()))  # t.i.d. is tid
    kept = _COMMA_IN_NUMBER.sub(rf"\1{_KEPT}", plain)
    return [piece.replace(_KEPT, ",") for piece in _SEPARATOR.split(kept)]


def _read_part(piece: str, text: str) -> Part:
    if not piece:
        raise InputError(f"the regimen '{text}' has an empty part; write for example {EXAMPLES}")
    found = _AMOUNT.fullmatch(piece)
    if found is None or not any(c.isdigit() for c in found["number"]):
        raise InputError(f"'{piece}' does not begin with a dose such as '600 mg'; possible: {EXAMPLES}")
    amount = _amount(found, piece)
    rest, missed, late = _split_slips(found["rest"].strip(), piece)
    rest, count, span = _split_duration(rest)
    if not rest:
        raise InputError(
            f"'{piece}' has a dose but no schedule; add one of: {SCHEDULES} "
            f"(nearest match: '{amount.text} tid')"
        )
    return _with_slips(_scheduled(amount, rest, count, span, piece), missed, late, piece)


def _amount(found: re.Match[str], piece: str) -> Amount:
    written, unit = found["number"].replace(" ", ""), found["unit"]
    value = float(written.replace(",", ""))
    if found["rest"][:1] in {",", "."}:
        raise InputError(
            f"'{piece}': write a decimal point, not a comma, in '{written}{found['rest'].split()[0]}'"
        )
    if not unit or unit in WORDS_H or unit in {"at", "every", "once"}:
        raise InputError(
            f"the dose '{written}' in '{piece}' has no unit; possible: g, mg, ug "
            f"(nearest match: '{written} mg')"
        )
    if unit not in MASS_MG:
        raise _unknown("unit of dose", unit, MASS_MG, "g, mg, ug")
    if value <= 0:
        raise InputError(
            f"the dose '{written} {unit}' in '{piece}' must be more than 0"
            + (f" (nearest match: '{written.lstrip('-')} {unit}')" if value < 0 else "")
        )
    if value * MASS_MG[unit] > MOST_MG:
        raise InputError(
            f"the dose '{written} {unit}' is more than {number(MOST_MG / 1000)} g; is the unit right?"
        )
    pers = [per.strip() for per in found["per"].split("/")[1:]]
    return Amount(value * MASS_MG[unit], *_per(pers, piece))


def _per(pers: list[str], piece: str) -> tuple[bool, bool]:
    for per in pers:
        if per not in {"kg", "day", "d"}:
            raise _unknown("denominator of dose", per, ("kg", "day"), "mg/kg, mg/day, mg/kg/day")
    if pers not in ([], ["kg"], ["day"], ["d"], ["kg", "day"], ["kg", "d"]):
        raise InputError(f"'{piece}': a dose is per kg, per day or per kg per day, as in '25 mg/kg/day tid'")
    return "kg" in pers, bool(pers) and pers[-1] != "kg"


def _split_slips(rest: str, piece: str) -> tuple[str, tuple[int, ...], tuple[tuple[int, float], ...]]:
    """The schedule without ``missing 4 and 7`` and ``with dose 5 late by 3 h``; the doses missed, and those late."""
    missed = [int(word) for found in _MISSED.finditer(rest) for word in re.findall(r"\d+", found["doses"])]
    late = [(int(found["dose"]), float(found["hours"])) for found in _LATE.finditer(rest)]
    rest = _LATE.sub("", _MISSED.sub("", rest)).strip()
    named = [*missed, *(dose for dose, _ in late)]
    if len(set(named)) < len(named):
        raise InputError(f"'{piece}' names a dose twice; possible: each dose missed or late, once")
    if 0 in named:
        raise InputError(f"'{piece}': doses are counted from 1 (nearest match: dose 1)")
    return rest, tuple(sorted(missed)), tuple(sorted(late))


def _with_slips(part: Part, missed: tuple[int, ...], late: tuple[tuple[int, float], ...], piece: str) -> Part:
    if part.duration_h is not None and part.interval_h and not part.clocks:
        _refuse_beyond(part.duration_h / part.interval_h, missed, late, piece)
    if part.interval_h is None:
        _refuse_beyond(1, missed, late, piece)
    return replace(part, missed=missed, late=late)


def _refuse_beyond(
    most: float, missed: tuple[int, ...], late: tuple[tuple[int, float], ...], piece: str
) -> None:
    doses = math.ceil(most - 1e-9)
    for dose in (*missed, *(dose for dose, _ in late)):
        if dose > doses:
            raise InputError(
                f"'{piece}' has {doses} doses, so none is number {dose} (nearest match: {doses})"
            )


def _split_duration(rest: str) -> tuple[str, str | None, str]:
    """The schedule without its ending ``x3`` or ``for 3 days``; the count and its span (days, doses, …)."""
    found = _COUNT.search(rest) or _FOR.search(rest)
    if found is None:
        return rest, None, ""
    return rest[: found.start()].strip(), found["count"], found["span"] or "days"


def _scheduled(amount: Amount, rest: str, count: str | None, span: str, piece: str) -> Part:
    clocks = _CLOCKS.fullmatch(rest)
    interval = DAY_H if clocks else _interval(rest)
    if amount.per_day and (clocks or interval is None):
        raise InputError(f"'{piece}': an amount per day needs a repeating schedule such as 'tid'")
    duration = None if count is None else _duration(float(count), span, interval, piece)
    if clocks:
        times = tuple(_clock_minutes(word, piece) for word in re.split(r"\s*\band\b\s*", clocks["clocks"]))
        return Part((amount,) * len(times), DAY_H, times, duration)
    if amount.per_day and not amount.per_kg and interval is not None:
        amount = Amount(amount.mg * interval / DAY_H)
    return Part((amount,), interval, (), duration)


def _interval(rest: str) -> float | None:
    if rest == "once":
        return None
    if rest in WORDS_H:
        return WORDS_H[rest]
    every = _EVERY.fullmatch(rest)
    if every is None:
        raise _unknown("schedule", rest, ("once", *WORDS_H), SCHEDULES)
    if every["span"] not in SPANS_H:
        raise _unknown("unit of time", every["span"], SPANS_H, "h, days, weeks")
    hours = float(every["count"]) * SPANS_H[every["span"]]
    if not SHORTEST_H <= hours <= LONGEST_H:
        raise InputError(f"'{rest}': an interval lies between {number(SHORTEST_H)} and {number(LONGEST_H)} h")
    return hours


def _duration(count: float, span: str, interval: float | None, piece: str) -> float:
    if interval is None and span in {"dose", "doses", "days"} and " for " not in piece:
        raise InputError(
            f"'{piece}': 'once' is one dose; to repeat it write for example 'tid x{number(count)}'"
        )
    if span in {"dose", "doses"}:
        if interval is None or not count.is_integer():
            raise InputError(
                f"'{piece}': a number of doses is whole and needs a repeating schedule such as 'tid'"
            )
        hours = count * interval
    elif span in SPANS_H:
        hours = count * SPANS_H[span]
    else:
        raise _unknown("unit of time", span, (*SPANS_H, "doses"), "h, days, weeks, doses")
    if not 0 < hours <= LONGEST_DURATION_H:
        raise InputError(
            f"'{piece}' must last more than 0 h and at most {number(LONGEST_DURATION_H / DAY_H)} days"
        )
    return hours


def _clock_minutes(word: str, piece: str) -> int:
    found = _CLOCK.fullmatch(word)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise InputError(
            f"'{word}' in '{piece}' is not a clock time; possible: 00:00 to 23:59, as in '08:00'"
        )
    return int(found[1]) * 60 + int(found[2])


def _join_clocks(parts: list[Part]) -> list[Part]:
    """Neighbouring parts at clock times are one day's doses; a duration closes a day."""
    joined: list[Part] = []
    for part in parts:
        if part.clocks and joined and joined[-1].clocks and joined[-1].duration_h is None:
            last = joined.pop()
            part = replace(
                part,
                amounts=last.amounts + part.amounts,
                clocks=last.clocks + part.clocks,
                missed=tuple(sorted(last.missed + part.missed)),
                late=tuple(sorted(last.late + part.late)),
            )
        joined.append(part)
    for part in joined:
        if len(set(part.clocks)) < len(part.clocks):
            raise InputError(f"'{part.text}' names the same clock time twice; write one dose for each time")
    return joined


def _refuse_endless_middle(regimen: Regimen, text: str) -> None:
    for part in regimen.parts[:-1]:
        if part.repeats:
            raise InputError(
                f"'{part.text}' in '{text}' is followed by another part but does not end; say how long "
                f"it lasts, e.g. '{part.text} for 3 days'"
            )


def _unknown(kind: str, given: str, known: object, possible: str) -> InputError:
    match = nearest(given, list(known))  # type: ignore[call-overload]
    hint = f"did you mean '{match}'? " if match else ""
    return InputError(f"unknown {kind} '{given}'; {hint}possible: {possible}")
