"""The loop over cases tries all, names every offender, and is no way to test nothing."""

from __future__ import annotations

import pytest

from each import each, offenders

NUMBERS = {"one": 1, "two": 2, "three": 3}


def test_every_offender_is_named_with_its_reason() -> None:
    @each(NUMBERS)
    def small(number: int) -> None:
        assert number < 2, f"{number} is large"

    with pytest.raises(pytest.fail.Exception) as told:
        small()
    assert "2 of 3 cases" in str(told.value) and "- one" not in str(told.value)
    assert "- two: AssertionError: 2 is large" in str(told.value) and "- three: " in str(told.value)


def test_an_error_of_any_kind_is_an_offence_and_does_not_end_the_loop() -> None:
    seen = []

    def check(first: int, second: int) -> None:
        seen.append((first, second))
        assert first // second >= 0
        if first == 3:
            pytest.fail("three")

    found = offenders(check, {"a": (1, 0), "b": (3, 1), "c": (4, 1)})
    assert len(seen) == 3 and list(found) == ["a", "b"]
    assert found["a"].startswith("ZeroDivisionError") and found["b"] == "Failed: three"


def test_no_cases_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="no case"):
        each({})(lambda case: None)()


def test_the_test_keeps_its_name_and_what_it_says() -> None:
    @each(NUMBERS)
    def is_a_number(number: int) -> None:
        """A number."""
        assert number

    assert (is_a_number.__name__, is_a_number.__doc__) == ("is_a_number", "A number.")
    is_a_number()
