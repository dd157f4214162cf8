"""The report: self-contained, readable by machines and people, and honest about what it rests on."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from fakes import run_assays
from spasmlab import report, request, result, run
from spasmlab.levels import Behind
from spasmlab.progress import Stages
from spasmlab.report import figures, page, theme


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The outcome of one run on the miniature cord, its result and its report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "run_assays", run_assays)
        asked = request.build("gabapentin", "600 mg tid", condition="ms-spasticity", days=3, draws=8)
        outcome = run.run(asked, Stages())
        found = result.of_run(outcome)
        folder = tmp_path_factory.mktemp("report")
        report.write(folder, outcome, found)
    return outcome, found, folder


class Reader(HTMLParser):
    """Collects tags, ids and what the page would fetch."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.fetched = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.fetched.append(value)


def test_the_page_fetches_nothing_and_runs_nothing(written):
    text = (written[2] / "report.html").read_text()
    reader = Reader()
    reader.feed(text)
    assert reader.fetched == [] and not {"script", "link", "iframe", "img"} & set(reader.tags)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_says_what_it_is_once_and_how_thin_the_evidence_is(written):
    text = " ".join((written[2] / "report.html").read_text().split())
    assert text.count(result.NOTICE) == 1
    assert page.THIN_EVIDENCE in text and "rest on at least one assumed value" in text


def test_every_level_has_a_figure_with_both_arms(written):
    outcome, _, folder = written
    assert {p.stem for p in (folder / "figures").glob("*.svg")} == set(figures.FIGURES) == set(page.CAPTIONS)
    for name in figures.FIGURES:
        figure = figures.draw(name, outcome)
        assert any("no drug" in word for word in words_of(figure)), name
        last = [axis for axis in figure.axes if axis.get_subplotspec().is_last_row()]
        assert all(axis.get_xlabel() for axis in last), name


def words_of(figure):
    """Legends, titles and tick labels of a figure."""
    for axis in figure.axes:
        yield axis.get_title(loc="left")
        yield from (text.get_text() for text in axis.get_yticklabels())
        if axis.get_legend():
            yield from (text.get_text() for text in axis.get_legend().get_texts())


def test_figures_are_whole_svg_with_their_labels_as_text(written):
    for file in (written[2] / "figures").glob("*.svg"):
        root = ElementTree.fromstring(file.read_text())
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        assert any(element.tag.endswith("text") for element in root.iter())
    assert "mg/L" in (written[2] / "figures" / "plasma.svg").read_text()


def test_rounding_touches_coordinates_but_no_label():
    assert theme._rounded('<path d="M 1.23456 2.5"/><text x="3.14159">0.975</text>') == (
        '<path d="M 1.23 2.5"/><text x="3.14">0.975</text>'
    )


@pytest.mark.slow
def test_the_same_outcome_gives_the_same_page(written, tmp_path):
    outcome, found, folder = written
    report.write(tmp_path, outcome, found)
    assert (tmp_path / "report.html").read_text() == (folder / "report.html").read_text()
    assert (tmp_path / "figures" / "scale.svg").read_text() == (folder / "figures" / "scale.svg").read_text()


def test_every_number_and_every_parameter_is_in_the_page(written):
    outcome, found, folder = written
    text = (folder / "report.html").read_text()
    for name in found["arms"]["drug"]:
        assert f"<code>{name}</code>" in text
    for path in Behind(outcome.request.drug, outcome.request.condition, outcome.request.hypothesis).level(
        "assays.stretch"
    ):
        assert path in text
    for row in found["evidence"]["rows"]:
        assert row in text


def test_a_condition_is_seen_in_the_parameters_behind_a_level(written):
    outcome = written[0]
    behind = Behind(outcome.request.drug, outcome.request.condition, outcome.request.hypothesis)
    state = behind.level("chain.release")["chain.channel.synapse_state"]
    assert state.number == 0.5 and state.path.startswith("conditions.ms-spasticity")
    assert "chain.channel.synapse_state" not in behind.level("chain.disposition")


def test_later_levels_rest_on_more_parameters(written):
    levels = written[1]["evidence"]["levels"]
    chain = [level["parameters"] for level in levels[:5]]
    assert chain == sorted(chain) and chain[0] < chain[-1] < levels[-1]["parameters"]
    statuses = written[1]["evidence"]["parameters"]
    assert set(statuses) == {"measured", "derived", "fitted", "assumed"} and statuses["measured"] > 0


def test_the_command_that_repeats_the_run_reads_back(written):
    import shlex

    from spasmlab import patient, regimen

    outcome = written[0]
    words = shlex.split(page.command(outcome))
    assert regimen.parse(words[words.index("--regimen") + 1]) == outcome.request.regimen
    assert patient.parse(words[words.index("--patient") + 1]) == outcome.request.patient


def test_the_page_says_what_the_label_says_of_the_regimen(written):
    """Blocks and warnings in a table with their sources, notes below, and all of them in the result."""
    _, found, folder = written
    text = (folder / "report.html").read_text(encoding="utf-8")
    rules = {one["rule"]: one for one in found["findings"]}
    assert rules["IND-04"]["level"] == "warn" and rules["REN-06"]["level"] == "warn"
    for one in found["findings"]:
        assert f"<code>{one['rule']}</code>" in text
    assert 'id="findings"' in text and rules["IND-04"]["text"] in text
