#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that the rooms of src/ include only downwards (docs/ARCHITECTURE.md has the table). Prints TAP, one point per room."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)

# What each room may include: a room, or one header of it. Its own room always; the order is from the ground up.
MAY_USE = {
    "base": [],
    "loop": ["base"],
    "http": ["base", "loop"],
    "runtime": ["base", "loop", "http"],
    "init": ["base", "loop", "http", "runtime"],
    "lib": ["base", "loop", "http"],
    "archive": ["base", "loop"],
    "oci": ["base", "loop", "lib/json.h"],
    "store": ["base"],
    "logs": ["base", "loop"],
    "sandbox": ["base", "loop", "http", "runtime", "lib/json.h", "lib/tls.h", "archive", "oci"],
    # The domain: no sockets, no SQL, no HTTP words; drivers and the store only as their interfaces.
    "function": ["base", "loop", "lib/json.h", "runtime/environment.h", "store"],
    "engine": ["base", "loop", "http", "runtime", "lib", "archive", "store", "oci", "logs", "sandbox", "function"],
    "api": ["base", "loop", "http", "lib", "engine", "function", "runtime/environment.h", "logs", "archive", "oci", "store", "sandbox"],
    # The commands talk HTTP to a daemon; helper.h is how any program of ours speaks with lambent-archive.
    "cli": ["base", "loop", "http", "lib", "archive/helper.h"],
    "daemon": ["base", "loop", "http", "lib", "engine", "api", "cli", "sandbox/native/uids.h"],
}
# The part that travels into containers: the C library and llhttp, nothing else.
CARRIED = {"base", "loop", "http", "runtime", "init"}
# Large libraries, by the header that a file would include.
LIBRARIES = {"jansson.h", "sqlite3.h", "archive.h", "archive_entry.h", "seccomp.h", "curl/curl.h", "openssl/evp.h", "openssl/hmac.h",
             "cmocka.h"}
# Public headers of the project itself.
PUBLIC = {path.name for path in (ROOT / "include").glob("*.h")}


def includes(path):
    for match in INCLUDE.finditer(path.read_text()):
        line = path.read_text().count("\n", 0, match.start(1 if match[1] else 2)) + 1
        yield line, match[1], match[2]


def is_allowed(room, header):
    target = header.split("/")[0]
    return target == room or target in MAY_USE[room] or header in MAY_USE[room]


def is_generated(room, header):
    """Made by the room's meson.build, so it lies in no folder of the source."""
    build = ROOT / "src" / room / "meson.build"
    return build.exists() and f"'{header}'" in build.read_text()


def violations(room):
    for path in sorted((ROOT / "src" / room).rglob("*.[ch]")):
        where = path.relative_to(ROOT)
        for line, ours, system in includes(path):
            if ours in PUBLIC or system in PUBLIC:
                continue
            if ours and "/" not in ours and not is_generated(room, ours):
                yield f"{where}:{line}: \"{ours}\" does not name its room"
            elif ours and "/" in ours and not (ROOT / "src" / ours).exists():
                yield f"{where}:{line}: \"{ours}\" does not exist"
            elif ours and "/" in ours and not is_allowed(room, ours):
                yield f"{where}:{line}: {room} may not include \"{ours}\""
            elif system in LIBRARIES and room in CARRIED:
                yield f"{where}:{line}: {room} is carried and may not use <{system}>"


def main():
    rooms = sorted(path.name for path in (ROOT / "src").iterdir() if path.is_dir())
    failed = False
    print(f"1..{len(rooms)}")
    for number, room in enumerate(rooms, 1):
        found = list(violations(room)) if room in MAY_USE else [f"src/{room}: is in no table"]
        failed = failed or bool(found)
        print(f"{'not ' if found else ''}ok {number} - includes of {room}")
        for problem in found:
            print(f"# {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
