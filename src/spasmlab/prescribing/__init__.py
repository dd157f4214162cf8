"""A regimen judged against a product's label, planned within it, and weighed for one patient."""
