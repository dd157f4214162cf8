"""The surrogate: a smooth map distilled from runs of the circuit, with its error measured.

It stands in for the circuit where thousands of patients are asked (`--fidelity surrogate`): from a condition, its severity
and the release of Ia and polysynaptic terminals to the read-outs of an assay. `python -m spasmlab.surrogate.train` makes it.
"""
