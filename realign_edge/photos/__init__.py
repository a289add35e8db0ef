"""Photos: scan a folder, decode safely, read inspection records, split, and remember it all in the catalog."""
