"""Which precisions are shipped: every graph, and whole verdicts, through the bars."""
