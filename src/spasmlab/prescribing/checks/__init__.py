"""The checks that rules name: each compares a case with a rule's numbers and says how it came out.

A check yields hits: the outcome, and the numbers it compared as ``{name: (value, unit)}``. What is said for an
outcome, and how grave it is, stands in the label. Adding a check is adding a function to one of these files.
"""

from __future__ import annotations

from spasmlab.prescribing.checks import company, dose, kidney, product, said, stopping, suitability
from spasmlab.prescribing.checks.registry import KNOWN, Check, Hit

__all__ = ["KNOWN", "Check", "Hit", "company", "dose", "kidney", "product", "said", "stopping", "suitability"]
