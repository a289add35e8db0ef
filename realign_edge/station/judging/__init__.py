"""From evidence to a verdict: rules, the conditions that they are made of, and how thresholds are set."""
