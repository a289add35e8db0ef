"""Models on this machine: taken in from untrusted media, listed, verified, counted without loading them."""
