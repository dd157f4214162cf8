"""What comes in and goes out: event tables and SBML. Each format is one file."""
