"""Dosing scenarios with answers in closed form, run on the user's own machine: `spasmlab conformance`."""
