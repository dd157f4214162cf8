"""Fits of parameters to rows of evidence, read through `evidence.calibration`, which refuses other rows."""
