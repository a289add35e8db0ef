"""Where inspection records may stand: tables, sidecars, conversations, folder names."""
