"""Spasmlab: a virtual laboratory for muscle spasm, from a dose of gabapentin to the reflex it calms.

For research and teaching, never for treating a patient.
"""

__version__ = "0.1.0"
