"""What every window is built from: its frame, dialogs, photos, marked words."""
