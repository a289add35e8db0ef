"""Why a decoder is left to the tracer."""


class UnfitError(Exception):
    """Our graph does not express this decoder; the text says what it met."""
