#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up what the steps of ./dev test reported: "N passed, N failed, N skipped" is the last line.

A folder holds, per step, NAME.status (its exit status) and NAME.xml (JUnit) or NAME.tap. A step that ended badly without a
failed test to show for it counts as one failure, so that a crash of a runner is never a success; nor is a step that ran
no test.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# Of one step; all of them are in its own output above.
SHOWN = 30
TAP_LINE = re.compile(r"^(not )?ok\b(?: \d+)?(.*)$")


def count_junit(path):
    passed = failed = skipped = 0
    failures = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            failures.append(f"{case.get('classname', '')} {case.get('name', '')}".strip())
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, failures


def count_tap(path):
    passed = failed = skipped = 0
    failures = []
    for line in path.read_text(errors="replace").splitlines():
        match = TAP_LINE.match(line)
        if not match:
            continue
        if match[1]:
            failed += 1
            failures.append(match[2].strip(" -"))
        elif "# SKIP" in match[2].upper():
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, failures


def main():
    folder = pathlib.Path(sys.argv[1])
    totals = [0, 0, 0]
    for status_file in sorted(folder.glob("*.status")):
        name = status_file.stem
        status = int(status_file.read_text())
        counts = (0, 0, 0, [])
        for path, count in ((folder / f"{name}.xml", count_junit), (folder / f"{name}.tap", count_tap)):
            if path.exists():
                counts = count(path)
        passed, failed, skipped, failures = counts
        if status and not failed:
            failed, failures = 1, [f"the step itself ended with status {status}"]
        elif not passed and not failed and not skipped and name != "build":
            failed, failures = 1, ["the step ran no test"]
        print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped")
        for failure in failures[:SHOWN]:
            print(f"    failed: {failure}")
        if len(failures) > SHOWN:
            print(f"    and {len(failures) - SHOWN} more")
        totals = [a + b for a, b in zip(totals, (passed, failed, skipped))]
    print(f"{totals[0]} passed, {totals[1]} failed" + (f", {totals[2]} skipped" if totals[2] else ""))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
