"""Equations are written once, as plain Python arithmetic; this package holds their readings.

`functions` is the only vocabulary besides ``+ - * / **``; `trace` turns a stage into SymPy expressions;
`units_check` calls it with rescaled base units; `numba_kernel` generates the compiled solver, `plain` is the
independent Python reading behind the checker, `latex` the reading for people.
"""
