# SPDX-License-Identifier: MIT
"""The rows, in the order in which they are measured, and the time each may take."""

from dataclasses import dataclass

import rows_calls
import rows_cold
import rows_master
import rows_scale
import rows_smtpd
import rows_warm
import rows_work


@dataclass
class Row:
    names: tuple  # a visit may answer for several
    run: object
    seconds: int  # then no further round is begun

    @property
    def patience_s(self):
        """Then it is given up."""
        return 2 * self.seconds + 60


ROWS = (
    Row(("P12",), rows_smtpd.run, 120),
    Row(("P1",), rows_cold.run_burst, 120),
    Row(("P2",), rows_cold.run_cold, 90),
    Row(("P5", "P4", "P6"), rows_warm.run, 240),
    Row(("P7",), rows_master.run_flood, 90),
    Row(("P8", "P3"), rows_scale.run, 180),
    Row(("P9",), rows_scale.run_memory, 60),
    Row(("P10",), rows_master.run_idle, 100),
    Row(("P11",), rows_master.run_reload, 130),
    Row(("W1",), rows_work.run_slow, 90),
    Row(("W2",), rows_work.run_steady, 90),
    Row(("W3",), rows_work.run_listeners, 60),
    Row(("W4",), rows_work.run_kills, 60),
    Row(("W5",), rows_calls.run, 60),
)
NAMES = sorted((name for row in ROWS for name in row.names),
               key=lambda name: (name[0], int(name[1:])))
