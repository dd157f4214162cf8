"""What is known of a patient beside the numbers: ``depression, copd``. ``none`` says that nothing of it is so."""

from __future__ import annotations

from spasmlab.errors import InputError, unknown

WORDS = {
    "pregnant": "pregnancy",
    "breastfeeding": "breast-feeding",
    "depression": "depression or thoughts of suicide, now or before",
    "misuse": "misuse of drugs or alcohol, now or before",
    "lung-disease": "a disease that weakens breathing (COPD, sleep apnoea)",
    "hypersensitivity": "an allergic reaction to gabapentin or an excipient",
    "absence-seizures": "absence seizures",
    "frail": "frailty, poor general health or low body weight",
    "transplant": "an organ transplant",
    "driver": "driving or operating machines",
    "established": "already takes the first dose of this regimen every day",
    "falls": "falls",
}
ALIASES = {
    "pregnancy": "pregnant",
    "lactation": "breastfeeding",
    "breast-feeding": "breastfeeding",
    "suicidality": "depression",
    "copd": "lung-disease",
    "sleep-apnoea": "lung-disease",
    "sleep-apnea": "lung-disease",
    "lung disease": "lung-disease",
    "addiction": "misuse",
    "abuse": "misuse",
    "allergy": "hypersensitivity",
    "low-weight": "frail",
    "driving": "driver",
}
NONE = "none"


def parse(text: str | None) -> frozenset[str] | None:
    """The words as a set; None where nothing is said, the empty set for ``none``. InputError for another word."""
    if text is None:
        return None
    words = [word.strip().lower().replace(" ", "-").replace("_", "-") for word in text.split(",")]
    if NONE in words:
        if len(words) > 1:
            raise InputError(
                f"'none' in the history '{text}' excludes the rest; possible: none, or the others"
            )
        return frozenset()
    return frozenset(_word(word) for word in words)


def _word(word: str) -> str:
    found = ALIASES.get(word, word)
    if found not in WORDS:
        raise unknown("word of the history", word, (*WORDS, NONE))
    return found
