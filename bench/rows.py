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
    Row(("P1",), rows_cold.run_burst, 85),
    Row(("P2",), rows_cold.run_cold, 75),
    Row(("P5", "P4", "P6"), rows_warm.run, 230),
    Row(("P7",), rows_master.run_flood, 75),
    Row(("P8", "P3"), rows_scale.run, 110),
    Row(("P9",), rows_scale.run_memory, 35),
    Row(("P10",), rows_master.run_idle, 80),
    Row(("P11",), rows_master.run_reload, 115),
    Row(("W1",), rows_work.run_slow, 60),
    Row(("W2",), rows_work.run_steady, 55),
    Row(("W3",), rows_work.run_listeners, 40),
    Row(("W4",), rows_work.run_kills, 55),
    Row(("W5",), rows_calls.run, 45),
)
NAMES = sorted((name for row in ROWS for name in row.names),
               key=lambda name: (name[0], int(name[1:])))
