"""The machine as an appliance: its configuration file, its state of health, its upkeep."""
