# SPDX-License-Identifier: MIT
"""Say in TAP what the tidy tests found."""


class Report:
    """Cases in order; each is a sentence and the findings against it."""

    def __init__(self):
        self.cases = []

    def case(self, sentence, findings):
        self.cases.append((sentence, list(findings)))

    def skip(self, sentence, why):
        self.cases.append((sentence + " # SKIP " + why, []))

    def finish(self):
        """Print all cases; return an exit status."""
        print("TAP version 13")
        print("1..%d" % len(self.cases))
        for number, (sentence, findings) in enumerate(self.cases, 1):
            print("%sok %d - %s" % ("not " if findings else "", number, sentence))
            for finding in findings:
                print("# " + finding)
        return 1 if any(findings for _, findings in self.cases) else 0
