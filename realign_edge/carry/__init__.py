"""What is carried to this machine on sticks and in archives: read with suspicion, copied whole or not at all."""
