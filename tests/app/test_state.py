"""The state and its link: what is written is read back, and what is wrong is said and left out."""

import pytest

from spasmlab.app import state, tabs
from spasmlab.errors import InputError


def test_a_link_holds_what_differs_and_gives_it_back():
    asked = (
        state.State()
        .opened("check")
        .changed("explore", regimen="300 mg bid", severity=0.5, drug="pregabalin")
    )
    assert asked.query == "tab=check&explore.drug=pregabalin&explore.regimen=300+mg+bid&explore.severity=0.5"
    assert state.read("?" + asked.query) == (asked, [])
    assert state.State().query == "" and state.read("") == (state.State(), [])


WRONG = [
    ("tab=chek", "did you mean 'check'"),
    ("explore.severity=7", "severity 7 is outside what is possible: 0 to 1"),
    ("explore.severity=nan", "outside what is possible"),
    ("explore.days=many", "number"),
    ("explore.drug=gabapentine", "did you mean 'gabapentin'"),
    ("explore.drug=/etc/passwd.toml", "unknown drug"),
    ("explore.regimen=doses.csv", "event table"),
    ("explore.regimen=600+mg+sometimes", "unknown schedule 'sometimes'"),
    ("explore.patient=height=tall", "height"),
    ("explore.condition=ms-spastic", "did you mean 'ms-spasticity'"),
    ("explore.colour=red", "unknown field"),
    ("colour=red", "unknown part of the link"),
    ("explore.regimen=" + "x" * 9000, "too long"),
    ("x" * 20_000, "too long"),
]


@pytest.mark.parametrize(("query", "says"), WRONG, ids=lambda text: text[:40])
def test_what_is_wrong_is_said_and_left_out(query, says):
    found, problems = state.read(query)
    assert found == state.State()
    assert len(problems) == 1 and says in problems[0]


def test_one_bad_value_leaves_the_others():
    found, problems = state.read("explore.severity=7&explore.days=3&tab=trial")
    assert found.of["explore"].days == 3 and found.tab == "trial" and len(problems) == 1


def test_a_state_cannot_be_changed_in_place_nor_hold_nonsense():
    asked = state.State()
    with pytest.raises(ValueError):
        asked.of["explore"].days = 3
    with pytest.raises(InputError, match="outside what is possible"):
        asked.changed("explore", days=0)


@pytest.mark.parametrize("name", tabs.NAMES)
def test_the_defaults_of_every_tab_are_possible(name):
    kind = tabs.load(name).Fields
    plain = kind()
    for field in kind.model_fields:
        assert plain.changed(**{field: getattr(plain, field)}) == plain
