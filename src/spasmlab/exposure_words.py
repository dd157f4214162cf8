"""What each exposure metric is, in words."""

METRICS = {
    "c_max": "highest plasma concentration",
    "t_max": "time to the highest plasma concentration",
    "c_min": "lowest plasma concentration between doses",
    "auc_inf": "area under the plasma curve to infinity",
    "auc_tau": "area under the plasma curve of one interval at steady state",
    "half_life": "half-life in plasma",
    "terminal_half_life": "half-life of the last phase of decline",
    "bioavailability": "share of the dose absorbed",
}
