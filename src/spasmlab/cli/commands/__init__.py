"""The commands, one file each with a function `command`; heavy things are imported inside it.

Adding a command is adding a file and its name here, where help lists it.
"""

NAMES = (
    "run", "compare", "exposure", "assay", "fit", "trial", "power", "replicate", "claims",
    "check", "plan", "advise", "conformance", "app", "list", "explain",
)  # fmt: skip
