# SPDX-License-Identifier: MIT
"""Where ostler differs from Postfix on purpose, and why.

(scenario, fact, reason); a * in the first two is anything. A difference that
no line here fits fails the suite, and so does a fact that a line fits and that
does not differ.
"""

DOCUMENTED = []
