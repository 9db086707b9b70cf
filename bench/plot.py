# SPDX-License-Identifier: MIT
"""Small SVG plots, by hand: readable on light and on dark paper."""

import math
import statistics
from html import escape, unescape

from report import Table, short

# The paper is drawn, too: who shows a picture in a page does not always tell it
# which colour the page has.
STYLE = """\
<style>
text { font: 12px sans-serif; fill: #333 }
.paper { fill: #fff; stroke: #ddd }
.title { font-size: 14px; font-weight: bold }
.axis { stroke: #888; stroke-width: 1 } .grid { stroke: #e4e4e4; stroke-width: 1 }
.range { stroke: #333; stroke-width: 1.5 }
.ours { fill: #0072b2; stroke: #0072b2 } .theirs { fill: #d55e00; stroke: #d55e00 }
.limit { fill: #999; stroke: #999 } .others { fill: #e69f00; stroke: #e69f00 }
.curve { fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 5 3 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .range { stroke: #eee } .paper { fill: #14181d; stroke: #333 }
.grid { stroke: #2a3038 }
.ours { fill: #56b4e9; stroke: #56b4e9 } .theirs { fill: #ff8c4a; stroke: #ff8c4a }
}
</style>
"""
WIDTH = 720
LEFT, RIGHT, LINE = 230, 100, 20
PLOT_HEIGHT, TOP, BOTTOM = 240, 40, 40
DASHED = ("ostler-postfix", "limit: spawn per client", "limit: fork, exec")


def kind_of(system):
    if system.startswith("ostler"):
        return "ours"
    if system.startswith("postfix"):
        return "theirs"
    return "limit" if system.startswith("limit") else "others"


def _svg(height, title, body):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">\n<title>{escape(title)}</title>\n'
            f'{STYLE}<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" '
            f'height="{height - 1}" rx="6"/>\n'
            f'<text class="title" x="12" y="22">{escape(title)}</text>\n{body}</svg>\n')


def title_of(svg):
    return unescape(svg.split("<title>", 1)[1].split("</title>", 1)[0])


def _across(most, at, bottom, unit):
    """The axis below bars."""
    out = [f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>']
    for tick in _ticks(0, most, False):
        out.append(f'<line class="grid" x1="{at(tick):.1f}" y1="{TOP - 4}" x2="{at(tick):.1f}" '
                   f'y2="{bottom}"/><text x="{at(tick):.1f}" y="{bottom + 16}" '
                   f'text-anchor="middle">{short(tick)}</text>')
    out.append(f'<text x="{WIDTH - 12}" y="{bottom + 16}" text-anchor="end">{escape(unit)}</text>'
               '\n')
    return "".join(out)


def bars(title, values, unit=""):
    """VALUES: {system: [value of each round]}; a bar to the median, a line over the range."""
    values = {name: found for name, found in values.items() if found}
    middles = {name: statistics.median(found) for name, found in values.items()}
    # One that is far beyond all others is cut short, or nothing could be told of those.
    most = min(max(middles.values(), default=0),
               4 * statistics.median(middles.values() or [0]))
    if not most:
        return None

    def at(value):
        return LEFT + min(value / most, 1.1) * (WIDTH - LEFT - RIGHT) / 1.1

    bottom = TOP + LINE * len(values) + 4
    out = [_across(most, at, bottom, unit)]
    for i, (name, found) in enumerate(values.items()):
        y = TOP + i * LINE
        cut = " (cut)" if middles[name] > 1.1 * most else ""
        end = at(max(found))
        out.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
                   f'<rect class="{kind_of(name)}" x="{LEFT}" y="{y + 2}" height="{LINE - 7}" '
                   f'width="{at(middles[name]) - LEFT:.1f}"/>'
                   f'<line class="range" x1="{at(min(found)):.1f}" y1="{y + 8}" '
                   f'x2="{end:.1f}" y2="{y + 8}"/>'
                   f'<text x="{end + 6:.1f}" y="{y + 12}">{short(middles[name])}{cut}</text>\n')
    return _svg(bottom + 28, title, "".join(out))


def _scale(low, high, from_, to, logarithmic):
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
    span = (high - low) or 1

    def at(value):
        value = math.log10(value) if logarithmic else value
        return from_ + (value - low) / span * (to - from_)

    return at


def _ticks(low, high, logarithmic):
    if logarithmic:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        steps = (1,) if last - first > 1 else (1, 2, 5)
        return [step * 10.0 ** n for n in range(first - 1, last + 1) for step in steps
                if low <= step * 10.0 ** n <= high]
    step = 10 ** math.floor(math.log10((high - low) or 1)) / 4
    while (high - low) / step > 6:
        step *= 2
    return [low + step * n for n in range(int((high - low) / step) + 1)]


def curves(title, lines, across, up, logarithmic=False):
    """LINES: {system: [(x, y)]}. ACROSS, UP: what the axes are."""
    lines = {name: points for name, points in lines.items() if points}
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points if y > 0 or not logarithmic]
    if not ys:
        return None
    least = [min(xs), min(ys)] if logarithmic else [0, 0]
    right = WIDTH - 200
    at_x = _scale(least[0], max(xs), 60, right, logarithmic)
    at_y = _scale(least[1], max(ys), TOP + PLOT_HEIGHT, TOP, logarithmic)
    bottom = TOP + PLOT_HEIGHT
    out = [f'<line class="axis" x1="60" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
           f'<line class="axis" x1="60" y1="{TOP}" x2="60" y2="{bottom}"/>\n'
           f'<text x="{right}" y="{bottom + 34}" text-anchor="end">{escape(across)}</text>'
           f'<text x="64" y="{TOP - 4}">{escape(up)}</text>\n']
    for tick in _ticks(least[0], max(xs), logarithmic):
        out.append(f'<text x="{at_x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">'
                   f'{short(tick)}</text>')
    for tick in _ticks(least[1], max(ys), logarithmic):
        out.append(f'<text x="54" y="{at_y(tick) + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for i, (name, points) in enumerate(lines.items()):
        classes = f"curve {kind_of(name)}" + (" dashed" if name in DASHED else "")
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in points
                        if y > 0 or not logarithmic)
        y = TOP + 10 + i * LINE
        out.append(f'\n<polyline class="{classes}" style="fill: none" points="{path}"/>'
                   f'<line class="{classes}" x1="{right + 12}" y1="{y}" x2="{right + 36}" '
                   f'y2="{y}"/>'
                   f'<text x="{right + 42}" y="{y + 4}">{escape(name)}</text>\n')
    return _svg(TOP + PLOT_HEIGHT + BOTTOM, title, "".join(out))


def _values(table, row, case, figure):
    return {s: list(table.values(row, case, s, figure).values()) for s in table.systems(row, case)}


def _middle_curve(table, case):
    """Of each system the round whose last answer is the median."""
    found = {}
    for name in ("limit: pre-forked", "limit: spawn per client", "ostler", "ostler-postfix",
                 "postfix", "tcpserver"):
        rounds = table.values("P1", case, name, "curve_ms")
        order = sorted((curve for curve in rounds.values() if curve), key=lambda c: c[-1][1])
        if order:
            found[name] = [(ms, answered) for answered, ms in order[len(order) // 2]]
    return found


def _growth(table, row, figure):
    """How a figure grows with the number of services."""
    found = {}
    for case in table.cases(row):
        for name, values in _values(table, row, case, figure).items():
            if values:
                found.setdefault(name, []).append((int(case.split()[0]),
                                                   statistics.median(values)))
    return {name: points for name, points in found.items() if len(points) > 1}


BURST = "100 clients at once, each holding its worker 50 ms, empty pool"
# Row, case, figure, what to call it.
SMTPD = (("cold", "p50_us", "us to the first greeting"),
         ("burst 50, stay", "last_ms", "ms until all are greeted"),
         ("burst 50, leave", "last_ms", "ms until all are greeted"),
         ("c=4", "rate", "greetings a second"))


def plots(samples):
    """{file name: SVG}"""
    table = Table(samples)
    drawn = {
        "burst.svg": bars(f"{BURST}: until all are answered",
                          _values(table, "P1", "100 x 50 ms", "last_ms"), "ms"),
        "burst-curve.svg": curves(BURST, _middle_curve(table, "100 x 50 ms"),
                                  "ms since the first connect", "clients answered"),
        "cold.svg": bars("First client of an empty pool, TCP: to its answer",
                         _values(table, "P2", "tcp", "p50_us"), "us"),
        "cold-services.svg": curves("First client of an empty pool, to its answer",
                                    _growth(table, "P3", "p50_us"), "services configured", "us",
                                    True),
        "start-services.svg": curves("Processor time of a start",
                                     _growth(table, "P8", "start_cpu_ms"), "services configured",
                                     "ms", True),
    }
    for case in "asleep", "on a processor":
        drawn[f"slow-{case.split()[-1]}.svg"] = bars(
            f"50 clients at once, workers that need 200 ms to start, {case}",
            _values(table, "W1", case, "last_ms"), "ms until all are answered")
    drawn["steady.svg"] = bars(
        "Somebody comes each ms, while the same service has a burst of 100",
        _values(table, "W2", "the same service", "p99_us"), "p99, us")
    drawn["calls.svg"] = bars(
        "One client after the other, 4 idle workers: system calls of the master for each",
        _values(table, "W5", "4 idle workers", "master_calls"), "calls")
    for kind in "tcp", "unix":
        for c in 1, 16:
            drawn[f"warm-{kind}-{c}.svg"] = bars(
                f"Warm pool of 4 workers, {kind}, {c} at a time",
                _values(table, "P5", f"{kind}, c={c}", "rate"), "clients a second")
    for case, figure, unit in SMTPD:
        name = "smtpd-" + case.replace(", ", "-").replace(" ", "-").replace("=", "") + ".svg"
        drawn[name] = bars(f"Debian's smtpd, {case}", _values(table, "P12", case, figure), unit)
    return {name: svg for name, svg in drawn.items() if svg}
