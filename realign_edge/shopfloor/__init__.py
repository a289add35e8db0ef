"""The synthetic shop floor: deterministic photos of parts with defects, and the records that go with them."""
