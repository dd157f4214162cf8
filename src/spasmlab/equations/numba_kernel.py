"""Generate the compiled solver of a pathway: a module of Numba functions, from the traced equations.

Terms that hold parameters only are computed once per patient, common subexpressions once per step, decaying
states exactly, and observables inside the kernel. The text is cached by `kernel_cache`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import TYPE_CHECKING, Any, cast

import sympy
from sympy.printing.pycode import PythonCodePrinter

from spasmlab.equations import trace
from spasmlab.equations.kernel_template import BODY, HEAD
from spasmlab.equations.trace import symbol
from spasmlab.errors import ModelError

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway

WIDTH = 16
FEW = 6  # signals up to which each is worked out on its own, all lanes at once
_PRINTER = PythonCodePrinter({"fully_qualified_modules": False})
Expression = Any  # SymPy's declared types do not follow its own operators


def text(pathway: Pathway) -> str:
    """The source of the module that solves a pathway; ModelError where a decay is not one."""
    return Generator(pathway).text()


def single_fraction(expression: Expression) -> Expression:
    """1/(1 + a/b) rewritten as b/(a + b), inside out: one division where there were two."""
    return expression.replace(
        lambda e: e.is_Pow and e.exp.is_number and e.exp.is_negative and e.base.is_Add,
        _with_one_division,
    )


def _with_one_division(power: Expression) -> Expression:
    return sympy.Pow(cast(Expression, sympy.together(power.base)), power.exp)


class Generator:
    """Holds the traced pathway and the layout of the flat array: parameters, terms, states, decays, step."""

    def __init__(self, pathway: Pathway) -> None:
        self.pathway = pathway
        self.fixed = {symbol(name) for name in pathway.params}
        self.terms: dict[Expression, sympy.Symbol] = {}
        flat = {name: self._hoist(single_fraction(e)) for name, e in trace.flat(pathway).items()}
        self.rates = {s: flat[f"d_{s}"] for s in pathway.states if s not in pathway.decays}
        self.written = {name: flat[name] for name in pathway.writes}
        self.decay = {state: flat[signal] for state, signal in pathway.decays.items()}
        self.rows = self._layout()
        self._check_decays()
        self.shared, self.reduced = sympy.cse(
            list(self.rates.values()), symbols=sympy.numbered_symbols("shared_")
        )

    def text(self) -> str:
        """The whole module."""
        pathway = self.pathway
        filled = {
            "WIDTH": WIDTH,
            "PARAMETERS": repr(tuple(pathway.params)),
            "SIGNALS": repr(tuple(pathway.signals)),
            "STATES": repr(tuple(pathway.states)),
            "TERMS": indent(self._term_lines(), 8),
            "STEPS": indent(self._step_lines(), 12),
            "DECAYS": indent(self._decay_lines(), 4),
            "OBSERVE": indent(self._observe_lines(), 4),
            "OBSERVE_ONE": indent(self._observe_one_lines(), 4),
            "FEW": FEW,
            "STEP": self.rows["step"] * WIDTH,
            "STATE": len(pathway.params) + len(self.terms),
            "DOSED": self._dosed() * WIDTH,
            "ROWS": len(self.rows),
            "ROW": len(pathway.signals),
        }
        return Template(HEAD + BODY).substitute(filled)

    def _hoist(self, expression: Expression) -> Expression:
        """The expression with every largest part that holds parameters only replaced by a term."""
        if not expression.args or not expression.free_symbols:
            return expression
        if self._is_fixed(expression):
            return self.terms.setdefault(expression, symbol(f"term_{len(self.terms)}"))
        args = list(expression.args)
        if expression.is_Add or expression.is_Mul:
            still = [a for a in args if not a.free_symbols or self._is_fixed(a)]
            if any(a.free_symbols for a in still):
                moving = [a for a in args if a not in still]
                args = [expression.func(*still), *moving]
        return expression.func(*(self._hoist(a) for a in args))

    def _is_fixed(self, expression: Expression) -> bool:
        return bool(expression.free_symbols) and expression.free_symbols <= self.fixed

    def _layout(self) -> dict[str, int]:
        names = [*self.pathway.params, *(str(t) for t in self.terms.values()), *self.pathway.states]
        names += [*(f"decay_{state}" for state in self.decay), "step"]
        return {name: row for row, name in enumerate(names)}

    def _check_decays(self) -> None:
        allowed = self.fixed | set(self.terms.values())
        for state, rate in self.decay.items():
            if not rate.free_symbols <= allowed:
                raise ModelError(f"'{state}' cannot decay exactly: its rate depends on more than parameters")
            flat = trace.flat(self.pathway)
            expected = -flat[self.pathway.decays[state]] * symbol(state)
            if sympy.simplify(flat[f"d_{state}"] - expected) != 0:
                raise ModelError(
                    f"'{state}' does not simply decay at the rate '{self.pathway.decays[state]}'"
                )

    def _dosed(self) -> int:
        if self.pathway.dosed is None:
            raise ModelError("no stage of the pathway says which state a dose enters")
        return self.rows[self.pathway.dosed[0]]

    def _loads(self, symbols: Iterable[Expression], suffix: str = "") -> list[str]:
        names = sorted((str(s) for s in symbols if str(s) in self.rows), key=lambda n: self.rows[n])
        states = self.pathway.states
        return [f"{n}{suffix if n in states else ''} = w[{self.rows[n] * WIDTH} + j]" for n in names]

    def _term_lines(self) -> list[str]:
        used = set().union(*(e.free_symbols for e in self.terms), set())
        shared, reduced = sympy.cse(list(self.terms), symbols=sympy.numbered_symbols("shared_"))
        lines = self._loads(used)
        lines += [f"{name} = {code(e)}" for name, e in shared]
        rows = (self.rows[str(term)] for term in self.terms.values())
        lines += [f"w[{row * WIDTH} + j] = {code(e)}" for row, e in zip(rows, reduced, strict=True)]
        return lines or ["pass"]

    def _decay_lines(self) -> list[str]:
        lines = self._loads(set().union(*(e.free_symbols for e in self.decay.values()), set()))
        for state, rate in self.decay.items():
            lines.append(f"w[{self.rows[f'decay_{state}'] * WIDTH} + j] = exp(-0.5 * step * {code(rate)})")
        return lines

    def _observe_lines(self) -> list[str]:
        shared, reduced = sympy.cse(list(self.written.values()), symbols=sympy.numbered_symbols("shared_"))
        lines = self._loads(set().union(*(e.free_symbols for e in self.written.values())))
        lines += [f"{name} = {code(e)}" for name, e in shared]
        lines += [f"row[{place}] = {code(e)}" for place, e in enumerate(reduced)]
        first = len(self.written)
        rows = [self.rows[state] for state in self.pathway.states]
        return lines + [f"row[{first + i}] = w[{row * WIDTH} + j]" for i, row in enumerate(rows)]

    def _observe_one_lines(self) -> list[str]:
        """One signal of all lanes: a branch a signal, so that nothing is computed that is not wanted."""
        lines = []
        for place, expression in enumerate(self.written.values()):
            shared, (reduced,) = sympy.cse([expression], symbols=sympy.numbered_symbols("shared_"))
            body = self._loads(expression.free_symbols) + [f"{n} = {code(e)}" for n, e in shared]
            lines += [f"if signal == {place}:", f"    for j in range({WIDTH}):"]
            lines += [f"        {line}" for line in [*body, f"target[j] = {code(reduced)}"]]
            lines.append("    return")
        first = len(self.written)
        states = self.rows[next(iter(self.pathway.states))]
        lines += [
            f"for j in range({WIDTH}):",
            f"    target[j] = w[({states} + signal - {first}) * {WIDTH} + j]",
        ]
        return lines

    def _step_lines(self) -> list[str]:
        """One classical Runge-Kutta step of one lane, the four slopes written out."""
        used = set().union(*(e.free_symbols for e in self.rates.values()), set())
        states = [symbol(s) for s in self.pathway.states]
        lines = [f"step = w[{self.rows['step'] * WIDTH} + j]", "half = 0.5 * step", "sixth = step / 6"]
        lines += self._loads(used - set(states)) + self._loads(states, "_1")
        for state in self.decay:
            lines.append(f"decay_{state} = w[{self.rows[f'decay_{state}'] * WIDTH} + j]")
            lines += [f"{state}_{i} = {state}_{i - 1 if i != 3 else 1} * decay_{state}" for i in (2, 3)]
            lines.append(f"{state}_4 = {state}_3 * decay_{state}")
        fed_back = [s for s in self.rates if symbol(s) in used]
        summed = {s: parts for s in self.rates if s not in fed_back and (parts := self._linear(s))}
        for stage, reach in ((1, ""), (2, "half"), (3, "half"), (4, "step")):
            if reach:
                lines += [f"{s}_{stage} = {s}_1 + {reach} * d_{s}_{stage - 1}" for s in fed_back]
            lines += self._slopes(stage, summed)
        for moving in dict.fromkeys(name for parts in summed.values() for name in parts):
            lines.append(f"sum_{moving} = {moving}_1 + 2 * ({moving}_2 + {moving}_3) + {moving}_4")
        for s in self.rates:
            if s in summed:
                total = " + ".join(f"({code(c)}) * sum_{name}" for name, c in summed[s].items())
                total = f"({total})"
            else:
                total = f"(d_{s}_1 + 2 * (d_{s}_2 + d_{s}_3) + d_{s}_4)"
            lines.append(f"w[{self.rows[s] * WIDTH} + j] = {s}_1 + sixth * {total}")
        return lines + [f"w[{self.rows[s] * WIDTH} + j] = {s}_4" for s in self.decay]

    def _linear(self, state: str) -> dict[Expression, Expression] | None:
        """Coefficients of a rate that is a sum of moving quantities times parameters; None where it is not.

        The four slopes of a state that nothing depends on (an area, an amount absorbed) are then never formed:
        the quantities are summed once for all such states.
        """
        slopes: dict[str, Expression] = dict(zip(self.rates, self.reduced, strict=True))
        rate = slopes[state]
        moving = {symbol(s) for s in self.pathway.states} | {name for name, _ in self.shared}
        found = {m: rate.diff(m) for m in sorted(rate.free_symbols & moving, key=str)}
        rest = rate.subs(dict.fromkeys(found, 0))
        if not found or rest != 0 or any(c.free_symbols & moving for c in found.values()):
            return None
        return found

    def _slopes(self, stage: int, left_out: Mapping[str, object]) -> list[str]:
        moving = [symbol(s) for s in self.pathway.states] + [name for name, _ in self.shared]
        renamed = {s: sympy.Symbol(f"{s}_{stage}") for s in moving}
        lines = [f"{renamed[name]} = {code(e, renamed)}" for name, e in self.shared]
        slopes = zip(self.rates, self.reduced, strict=True)
        return lines + [
            f"d_{state}_{stage} = {code(e, renamed)}" for state, e in slopes if state not in left_out
        ]


def code(expression: Expression, renamed: Mapping[Expression, Expression] | None = None) -> str:
    """An expression as Python text."""
    return str(_PRINTER.doprint(expression.xreplace(dict(renamed or {}))))


def indent(lines: Sequence[str], spaces: int) -> str:
    """Lines joined, each pushed to the right."""
    return "\n".join(" " * spaces + line for line in lines)
