#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a compiler does not know, over every file that git knows. Prints TAP, one point per rule.

licence     the first line (behind an interpreter's line) names the licence
words       nothing is left to do: no marks that say so
aws         a section of docs/aws.md that is referred to is there
calls       src/: none that overruns a buffer or hides an error; anywhere: none that waits for time instead of an event
size        no file of C above 750 lines, no header above 200; tables that a tool makes are free
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LICENCE = "SPDX-License-Identifier: Apache-2.0"
CODE = {".c", ".h", ".py", ".sh", ".mjs", ".js", ".cjs", ".ts", ".go", ".rs", ".build"}
# Put together here so that this file does not break its own rule.
WORDS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
CALLS = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|system|popen|alloca|tmpnam|mktemp|rand|srand)\s*\(")
SECTIONS = set(re.findall(r"^## ([a-z-]+)$", (ROOT / "docs/aws.md").read_text(), re.M))
WAITS = re.compile(r"(?<![\w.>])(sleep|usleep|nanosleep)\s*\(")
PYTHON_CALLS = re.compile(r"\btime\.sleep\(")
# Programs that are told to take their time: guests, and what measures.
MAY_WAIT = ("tests/guests/", "tests/sandbox/guest", "bench/")


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def strip_c(text):
    """Comments and strings blanked, line numbers kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def lines(text, pattern):
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[0]


def check_licence(path, text):
    if path.suffix in CODE or path.name in ("dev", "run", "bootstrap"):
        if not any(LICENCE in line for line in text.splitlines()[:3]):
            yield 1, "does not name its licence"


def check_words(path, text):
    if path.suffix in CODE | {".md"} or path.name in ("dev", "run"):
        yield from ((line, f"says {word}") for line, word in lines(text, WORDS))


def check_aws(path, text):
    for match in re.finditer(r"docs/aws\.md((?:, [a-z-]+)+)", text):
        for section in match[1].removeprefix(", ").split(", "):
            if section not in SECTIONS:
                yield text.count("\n", 0, match.start()) + 1, f"refers to the section {section} of docs/aws.md"


def check_calls(path, text):
    name = path.relative_to(ROOT).as_posix()
    if path.suffix in (".c", ".h"):
        code = strip_c(text)
        if name.startswith("src/"):
            yield from ((line, f"calls {call.rstrip('( ')}") for line, call in lines(code, CALLS))
        if not name.startswith(MAY_WAIT):
            yield from ((line, f"calls {call.rstrip('( ')}") for line, call in lines(code, WAITS))
    elif path.suffix == ".py" and not name.startswith(MAY_WAIT):
        yield from ((line, "sleeps") for line, _ in lines(text, PYTHON_CALLS))


def check_size(path, text):
    most = {".c": 750, ".h": 200}.get(path.suffix)
    count = text.count("\n")
    if most and count > most and "/* Made by tools/" not in text[:200]:
        yield count, f"has {count} lines; {most} are the most"


RULES = {"licence": check_licence, "words": check_words, "aws": check_aws, "calls": check_calls, "size": check_size}


def main():
    problems = {rule: [] for rule in RULES}
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for rule, check in RULES.items():
            problems[rule] += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in check(path, text)]
    print(f"1..{len(RULES)}")
    for number, (rule, found) in enumerate(problems.items(), 1):
        print(f"{'not ' if found else ''}ok {number} - {rule}")
        for problem in found:
            print(f"# {problem}")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
