"""What the Check tab shows: `question` (what is asked), `findings`, `schedule` (plan and calendar), `advice`, `record`
(an uploaded FHIR record). Every rule is `spasmlab.prescribing`'s; nothing is decided here."""
