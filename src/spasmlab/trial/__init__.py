"""Virtual trials: a design from one TOML file, simulated patient by patient, analysed as trials are."""
