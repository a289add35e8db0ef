"""The vision graph: tower and projector, traced, and with less to do."""
