# SPDX-License-Identifier: MIT
"""docs/postfix-compatibility.md, made of what the scenarios found."""


def load():
    """All scenarios, in the order of the document."""
    import birth  # noqa: F401
    import ends  # noqa: F401
    import pool  # noqa: F401
    import reload  # noqa: F401
    import wakeup  # noqa: F401
    import workers  # noqa: F401
