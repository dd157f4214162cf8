"""Patient data in FHIR R4: read by code and unit, validated, and never guessed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import cli
from spasmlab.errors import InputError
from spasmlab.io import fhir

EXAMPLE = Path(__file__).parent.parent / "examples" / "patient.json"
UCUM = "http://unitsofmeasure.org"


def bundle():
    return json.loads(EXAMPLE.read_text(encoding="utf-8"))


def resources(found):
    return [entry["resource"] for entry in found["entry"]]


def of_kind(found, kind, place=0):
    return [r for r in resources(found) if r["resourceType"] == kind][place]


def observation(code, value, unit, **more):
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return {"resourceType": "Observation", "status": "final", "code": {"coding": [{"code": code}]},
            "valueQuantity": quantity, **more}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def called(found):
        file = tmp_path / "record.json"
        file.write_text(found if isinstance(found, str) else json.dumps(found), encoding="utf-8")
        return fhir.read(file)

    return called


@pytest.fixture
def call(capsys):
    def called(*words):
        code = cli._exit_code([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return called


def test_the_example_says_all_a_check_needs(call):
    code, out, _ = call("check", "--drug", "gabapentin", "--fhir", EXAMPLE, "--json")
    found = json.loads(out)
    assert code == 0 and found["indication"] == "phn" and found["regimen"] == "300 mg tid"
    assert found["patient"]["weight"]["value"] == pytest.approx(64.9, abs=0.1)
    assert found["patient"]["age"]["value"] == 70 and found["history"] == ["lung-disease"]
    # (140 - 70) · 64.86 / (72 · 1.4) · 0.85
    assert found["patient"]["creatinine_clearance"]["value"] == pytest.approx(38.3, abs=0.1)
    assert "morphine" in found["with"]
    assert {"INT-02", "REN-06", "REN-02.doses"} <= {one["rule"] for one in found["findings"]}


def test_a_plan_from_a_record(call):
    code, out, _ = call("plan", "--drug", "gabapentin", "--fhir", EXAMPLE, "--json")
    assert code == 0 and json.loads(out)["target"]["value"] == 1400


@pytest.mark.parametrize(
    ("code", "value", "unit", "key", "says"),
    [
        ("2160-0", 1.2, "mg/dL", "creatinine", 1.2),
        ("14682-9", 106.1, "umol/L", "creatinine", 106.1),
        ("14682-9", 0.1061, "mmol/L", "creatinine", 106.1),
        ("2160-0", 12, "mg/L", "creatinine", 1.2),
        ("29463-7", 70, "kg", "weight", 70),
        ("29463-7", 70000, "g", "weight", 70),
        ("29463-7", 154.32, "[lb_av]", "weight", 70.0),
        ("8302-2", 1.75, "m", "height", 1.75),
        ("8302-2", 68.9, "[in_i]", "height", 175.0),
        ("2164-2", 1.5, "mL/s", "crcl", 90),
    ],
)
def test_units_are_converted(read, code, value, unit, key, says):
    assert float(read(observation(code, value, unit)).items[key].split()[0]) == pytest.approx(says, rel=1e-3)


def test_a_measured_level_is_read_and_said(read):
    found = read(observation("9738-6", 5200, "ng/mL"))
    assert found.level == pytest.approx(5.2) and any("--level" in note for note in found.notes)


def test_what_is_missing_is_said(call, tmp_path):
    found = bundle()
    del of_kind(found, "Patient")["birthDate"]
    del of_kind(found, "Patient")["gender"]
    found["entry"] = [
        e for e in found["entry"] if e["resource"].get("valueQuantity", {}).get("unit") != "mg/dL"
    ]
    found["entry"].append({"resource": observation("98979-8", 40, "mL/min/{1.73_m2}")})
    found["entry"].append({"resource": {"resourceType": "Encounter", "status": "finished"}})
    file = tmp_path / "record.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    code, out, _ = call("check", "--drug", "gabapentin", "--fhir", file, "--json")
    said = json.loads(out)["findings"]
    notes = " ".join(one["text"] for one in said if one["rule"] == "SAY-RECORD")
    assert code == 0 and {"SAY-AGE", "REN-06"} <= {one["rule"] for one in said}
    for words in (
        "no birthDate",
        "gender is not said",
        "no creatinine",
        "eGFR is not a creatinine",
        "Encounter",
    ):
        assert words in notes


def test_the_latest_of_several_holds(read):
    found = bundle()
    found["entry"].append({"resource": observation("2160-0", 2.5, "mg/dL", effectiveDateTime="2026-11-01")})
    assert read(found).items["creatinine"].startswith("2.5")


def test_a_titration_is_read_in_its_order(read):
    found = bundle()
    request = of_kind(found, "MedicationRequest")
    steps = []
    for sequence, dose, times in ((2, 300, 2), (1, 300, 1), (3, 300, 3)):
        step = copy.deepcopy(request["dosageInstruction"][0])
        step["sequence"] = sequence
        step["timing"]["repeat"] |= {"frequency": times}
        if sequence < 3:
            step["timing"]["repeat"]["boundsDuration"] = {"value": 1, "code": "d"}
        step["doseAndRate"][0]["doseQuantity"]["value"] = dose
        steps.append(step)
    request["dosageInstruction"] = steps
    assert (
        read(found).regimen
        == "300 mg every 24 h for 1 days, then 300 mg every 12 h for 1 days, then 300 mg every 8 h"
    )


def test_another_product_of_the_drug_is_not_taken_for_immediate_release(call, tmp_path):
    found = bundle()
    of_kind(found, "MedicationRequest")["medicationCodeableConcept"] = {
        "text": "Horizant (gabapentin enacarbil) ER"
    }
    file = tmp_path / "record.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    code, _, err = call("check", "--drug", "gabapentin", "--fhir", file)
    assert code == 2 and "--formulation enacarbil" in err
    code, out, _ = call(
        "check", "--drug", "gabapentin", "--fhir", file, "--formulation", "enacarbil", "--json"
    )
    assert code == 0 and json.loads(out)["formulation"] == "enacarbil"


def test_conditions_that_are_over_are_not_read(read):
    found = bundle()
    of_kind(found, "Condition", 1)["clinicalStatus"] = {"coding": [{"code": "resolved"}]}
    read_back = read(found)
    assert "lung-disease" not in read_back.history and any("resolved" in note for note in read_back.notes)


def changed(change):
    found = bundle()
    change(found)
    return found


def _unit(found, unit):
    of_kind(found, "Observation")["valueQuantity"] |= {"unit": unit, "code": unit}


HOSTILE = [
    ("", "not valid JSON"),
    ("[1, 2]", "no resourceType"),
    ("{}", "no resourceType"),
    ('{"resourceType": "Patient", "resourceType": "Patient"}', "twice in one object"),
    ('{"resourceType": "Patient", "multipleBirthInteger": NaN}', "no number"),
    ('{"resourceType": "Encounter", "status": "finished"}', "nothing of use"),
    ('{"resourceType": "Bundle", "type": "collection"}', "no entry"),
    ('{"resourceType": "Bundle", "entry": [{"fullUrl": "x"}]}', "has no resource"),
    ("[" * 200_000, "nested too deeply"),
    (changed(lambda f: f.update(colour="red")), "Bundle.colour"),
    (changed(lambda f: of_kind(f, "Patient").update(colour="red")), "Patient.colour"),
    (changed(lambda f: of_kind(f, "Patient").update(birthDate="long ago")), "birthDate"),
    (changed(lambda f: of_kind(f, "Patient").update(birthDate="2100-01-01")), "born on"),
    (changed(lambda f: of_kind(f, "Patient").update(birthDate="1800-01-01")), "0 to 120"),
    (changed(lambda f: of_kind(f, "Patient").update(deceasedBoolean=True)), "deceased"),
    (changed(lambda f: f["entry"].append({"resource": {"resourceType": "Patient"}})), "2 Patients"),
    (changed(lambda f: of_kind(f, "Condition").update(subject={"reference": "Patient/q"})), "several patients"),
    (changed(lambda f: of_kind(f, "Observation")["valueQuantity"].pop("value")), "no valueQuantity.value"),
    (changed(lambda f: of_kind(f, "Observation")["valueQuantity"].update(value=0)), "0.1 to 30"),
    (changed(lambda f: of_kind(f, "Observation")["valueQuantity"].update(value=-1.4)), "0.1 to 30"),
    (changed(lambda f: of_kind(f, "Observation")["valueQuantity"].update(comparator="<")), "not a value"),
    (changed(lambda f: _unit(f, "stone")), "unit 'stone'"),
    (changed(lambda f: _unit(f, "mL/min/{1.73_m2}")), "possible (UCUM)"),
    (changed(lambda f: of_kind(f, "Observation", 1)["valueQuantity"].update(value=0)), "2 to 400"),
    (changed(lambda f: f["entry"].append({"resource": observation("2160-0", 2, "mg/dL")})), "do not tell which"),
    (changed(lambda f: of_kind(f, "Observation").pop("status")), "Observation.status"),
    (changed(lambda f: of_kind(f, "MedicationRequest").pop("dosageInstruction")), "no dosageInstruction"),
    (changed(lambda f: of_kind(f, "MedicationRequest")["dosageInstruction"][0]["timing"].pop("repeat")), "no schedule"),
    (changed(lambda f: of_kind(f, "MedicationRequest")["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
             .update(code="{tbl}", unit="tablet")), "'{tbl}'"),
    (changed(lambda f: of_kind(f, "MedicationRequest")["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
             .update(value=10**12)), "is the unit right"),
    (changed(lambda f: f["entry"].append({"resource": of_kind(f, "MedicationRequest")})), "2 active prescriptions"),
    (changed(lambda f: of_kind(f, "Condition", 1)["code"]["coding"][0].update(code="Z99.2")), "on dialysis; say when"),
    (changed(lambda f: of_kind(f, "Condition", 1)["code"]["coding"][0].update(code="G25.81")), "several indications"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "says"), HOSTILE, ids=[says for _, says in HOSTILE])
def test_what_is_wrong_is_one_line_and_exit_2(call, tmp_path, found, says):
    file = tmp_path / "record.json"
    file.write_text(found if isinstance(found, str) else json.dumps(found), encoding="utf-8")
    code, out, err = call("check", "--drug", "gabapentin", "--fhir", file, "--json")
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and says in err


def test_fifty_megabytes_are_refused_unread(call, tmp_path):
    file = tmp_path / "record.json"
    with file.open("wb") as target:
        target.truncate(50_000_000)
    code, _, err = call("check", "--drug", "gabapentin", "--fhir", file)
    assert code == 2 and "50.0 MB" in err
    assert call("check", "--drug", "gabapentin", "--fhir", tmp_path / "none.json")[0] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--patient", "age=60"], "'age' is given by --patient and by --fhir"),
        (["--regimen", "600 mg tid"], "both give one"),
    ],
)
def test_what_is_said_twice_is_refused(call, words, says):
    code, _, err = call("check", "--drug", "gabapentin", "--fhir", EXAMPLE, *words)
    assert code == 2 and says in err


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=8), st.integers(0, 6))  # fmt: skip
def test_any_other_content_is_an_error_of_the_input_or_read(tmp_path_factory, junk, place):
    found = bundle()
    resource = found["entry"][place]["resource"]
    key = sorted(resource)[place % len(resource)]
    if key != "resourceType":
        resource[key] = junk
    file = tmp_path_factory.mktemp("junk") / "record.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    try:
        fhir.read(file)
    except InputError as refused:
        assert str(refused)
