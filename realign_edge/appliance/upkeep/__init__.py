"""What the appliance does each night: checks, backups, index, drift, room on the disk; and the way back."""
