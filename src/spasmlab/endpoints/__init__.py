"""Clinical scales: what a doctor would see. Each module reads assay read-outs and knows nothing of drugs."""
