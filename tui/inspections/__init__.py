"""What the station said and what people say to it."""
