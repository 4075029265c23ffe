#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures lambent beside the floor of the machine and beside its peers, in one run, and prints a table.

    bench/run.py [--build build] [--quick] [--only NAME]... [--install-peers] [--json FILE]

An absolute time does not carry to another machine; a ratio does. Goals are printed for comparison: a benchmark asserts nothing, and the exit
status says only whether it ran. Needs an otherwise idle machine.
"""

import argparse
import json
import sys
from dataclasses import asdict

import containers  # noqa: F401  its measures join the others
import control  # noqa: F401
import peers
from harness import Missing, Tools, guests
from measures import MEASURES, Bench, Row


def show(value):
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def goal_of(row):
    if row.limit is None:
        return ""
    verdict = {True: "met", False: "missed", None: "?"}[row.met]
    limit = f"≤ {row.limit:g} ×" if row.limit_of == "ratio" else f"≤ {row.limit:g} {row.unit}"
    return f"{limit} {verdict}"


def table_line(row):
    cells = [row.what, f"{show(row.ours)} {row.unit}", f"{show(row.floor)} {row.unit}", show(row.ratio), goal_of(row)]
    return "| {:<54} | {:>10} | {:>10} | {:>6} | {:<18} |{}".format(*cells, f" {row.note}" if row.note else "")


def run_one(bench, name):
    """The rows of a measure; what kept it from running is a row as well."""
    try:
        yield from MEASURES[name](bench)
    except (Missing, guests.GuestUnavailable) as missing:
        yield Row(name, note=str(missing))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="the build directory (default: build)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller crowds")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--install-peers", action="store_true", help="get the peers first")
    parser.add_argument("--json", help="write the rows to this file, too")
    options = parser.parse_args()
    try:
        bench = Bench(Tools(options.build), options.quick)
    except Missing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 1
    if options.install_peers:
        peers.install()
    rows = []
    print("| {:<54} | {:>10} | {:>10} | {:>6} | {:<18} |".format("what", "ours", "floor", "ratio", "goal"))
    print("|" + "|".join("-" * (width + 2) for width in (54, 10, 10, 6, 18)) + "|")
    for name in options.only or MEASURES:
        for row in run_one(bench, name):
            print(table_line(row), flush=True)
            rows.append({"measure": name, **asdict(row)})
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
