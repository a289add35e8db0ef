"""What a bundle carries besides graphs: past photos, golden photos, thresholds and the baseline."""
