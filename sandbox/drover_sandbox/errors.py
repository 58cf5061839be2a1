"""The one exception that a user sees as a plain message."""


class SandboxError(RuntimeError):
    """Something the user can act upon; the text says what and why."""
