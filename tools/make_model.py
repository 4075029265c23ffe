#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/api/model_table.c: the requests of the Lambda API as a table, from AWS's own model of them.

    make_model.py MODEL [TABLE.c]     MODEL: service-2.json of botocore, also as .json.gz; without TABLE.c to standard output

From the model of a neighbour (NEIGHBOURS) it makes src/api/neighbours/NAME_model.c, with the operations that lambent has.

src/api/model.h says what the table holds. Constraints are written down as AWS prints them, so the texts of its answers are
the specification of this tool; where they differ from the model, DIFFERENCES says so.
"""

import gzip
import json
import pathlib
import re
import sys

TYPES = {
    "string": "STRING", "integer": "INTEGER", "long": "LONG", "double": "DOUBLE", "boolean": "BOOLEAN", "blob": "BLOB",
    "timestamp": "TIMESTAMP", "list": "LIST", "map": "MAP", "structure": "STRUCTURE",
}
PLACES = {"uri": "LABEL", "querystring": "QUERY", "header": "HEADER"}
# Violations are told in this order, and within a place in the order of the model.
ORDER = ["QUERY", "LABEL", "HEADER", "BODY", "PAYLOAD"]

# What AWS answers and the model does not say: members of a shape, laid over them. Values of enumerations are C expressions.
DIFFERENCES = {
    # Runtimes are Lambda's own check, with another text; the lists have sets of their own (api/runtimes.h).
    "Runtime": {"enum": None},
    "CompatibleRuntimes.member": {"enum": "runtimes_creatable", "tacit": "runtimes_newer"},
    "ListLayersRequest.CompatibleRuntime": {"enum": "runtimes_known", "tacit": "runtimes_newer"},
    "ListLayerVersionsRequest.CompatibleRuntime": {"enum": "runtimes_known", "tacit": "runtimes_newer"},
    # This member's violations come behind those of the others.
    "PublishLayerVersionRequest": {"last": "CompatibleArchitectures"},
    # Not in the order of a HashSet.
    "EventSourcePosition": {"enum": '"LATEST, AT_TIMESTAMP, TRIM_HORIZON"'},
    # This list's constraint is printed without the frame that other lists have.
    "CompatibleRuntimes": {"bare": True},
    # These lists and maps take nothing that is null, and their constraint does not say so.
    "SecurityGroupIds": {"tacit_null": True},
    "SubnetIds": {"tacit_null": True},
    "EnvironmentVariables": {"tacit_null": True},
    # The model has the limits of functions on instances of one's own: wide keeps them for those.
    "Timeout": {"max": 900, "wide": True},
    "MemorySize": {"max": 10240, "wide": True},
    # An alternative in parentheses of its own is printed without them.
    "LayerVersionArn": {"pattern": lambda pattern: re.sub(r"^\((.*)\)$", r"\1", pattern)},
}

# The services beside Lambda, by the prefix of their endpoints: what lambent does of them.
NEIGHBOURS = {
    "iam": """
        AttachRolePolicy CreatePolicy CreatePolicyVersion CreateRole DeletePolicy DeletePolicyVersion DeleteRole
        DeleteRolePermissionsBoundary DeleteRolePolicy DetachRolePolicy GetPolicy GetPolicyVersion GetRole GetRolePolicy
        ListAttachedRolePolicies ListInstanceProfilesForRole ListPolicies ListPolicyTags ListPolicyVersions ListRolePolicies
        ListRoleTags ListRoles PutRolePermissionsBoundary PutRolePolicy SetDefaultPolicyVersion TagPolicy TagRole UntagPolicy
        UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription
    """.split(),
    "sts": "AssumeRole GetCallerIdentity".split(),
    "logs": """
        CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DescribeLogGroups DescribeLogStreams FilterLogEvents
        GetLogEvents ListTagsForResource ListTagsLogGroup PutRetentionPolicy TagLogGroup TagResource UntagLogGroup
        UntagResource
    """.split(),
}

# As DIFFERENCES.
NEIGHBOUR_DIFFERENCES = {
    # Java reads \\u10000 as a character and a zero, so this pattern takes everything.
    "sts": {"arnType": {"pattern": None}},
}
TITLES = {"iam": "IAM", "sts": "STS", "logs": "CloudWatch Logs"}


def java_hash(text):
    value = 0
    for unit in text:
        value = (31 * value + ord(unit)) & 0xFFFFFFFF
    return value ^ value >> 16


def enumeration(words):
    """AWS prints a set of words as a Java HashSet of them orders itself."""
    room = 16
    while room < len(words) / 0.75 + 1:
        room *= 2
    return ", ".join(sorted(words, key=lambda word: java_hash(word) & (room - 1)))


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Table:
    def __init__(self, model, differences):
        self.model = model
        self.differences = differences
        self.lines = []
        self.made = {}

    def define(self, kind, prefix, name, initializer):
        """The name of the object with this initializer, made once however many shapes are alike."""
        key = kind + initializer
        if key not in self.made:
            self.made[key] = f"{prefix}_{name.replace('.', '_')}"
            self.lines.append(f"static const struct {kind} {self.made[key]}{initializer};")
        return self.made[key]

    def special(self, place):
        return place if place in self.differences else None

    def shape(self, name, place=None):
        """place: where it is used, when it is another one there."""
        shape = {**self.model["shapes"][name], **self.differences.get(name, {}), **self.differences.get(place, {})}
        if callable(shape.get("pattern")):
            shape["pattern"] = shape["pattern"](self.model["shapes"][name]["pattern"])
        parts = [f"SHAPE_{TYPES[shape['type']]}"]
        for bound in ("min", "max"):
            if shape.get(bound) is not None:
                if shape[bound] != int(shape[bound]):
                    raise SystemExit(f"{name}: {bound} is no whole number, which model.h cannot hold")
                parts.append(f".has_{bound} = true, .{bound} = {int(shape[bound])}")
        if shape.get("wide"):
            parts.append(f".wide_max = {int(self.model['shapes'][name]['max'])}")
        if shape.get("pattern"):
            parts.append(f".pattern = {quote(shape['pattern'])}")
        if shape.get("enum"):
            words = shape["enum"]
            parts.append(f".words = {words if isinstance(words, str) else quote(enumeration(words))}")
        parts += [f".{flag} = {shape[flag]}" for flag in ("tacit",) if shape.get(flag)]
        parts += [f".{flag} = true" for flag in ("bare", "tacit_null") if shape.get(flag)]
        if shape.get("sensitive"):
            parts.append(".secret = true")
        if shape["type"] == "list":
            parts.append(f".item = &{self.shape(shape['member']['shape'], self.special(name + '.member'))}")
        elif shape["type"] == "map":
            parts.append(f".key = &{self.shape(shape['key']['shape'])}, .item = &{self.shape(shape['value']['shape'])}")
        elif shape["type"] == "structure" and shape["members"]:
            members = self.members(name, shape)
            parts.append(f".name = {quote(name)}, .members = {members}, .member_count = {len(shape['members'])}")
        return self.define("model_shape", "shape", place or name, " = { " + ", ".join(parts) + " }")

    def members(self, name, shape, labels=()):
        rows = []
        for member, reference in shape["members"].items():
            place = PLACES.get(reference.get("location"), "BODY")
            if member == shape.get("payload"):
                place = "PAYLOAD"
            wire = reference.get("locationName", member)
            if place == "HEADER":
                wire = wire.lower()
            target = self.shape(reference["shape"], self.special(f"{name}.{member}"))
            parts = [quote(member if place == "LABEL" else wire), "&" + target]
            if place != "BODY":
                parts.append(f"AT_{place}")
            if member != wire and place in ("QUERY", "HEADER"):
                parts.append(f".shown = {quote(member)}")
            if place == "LABEL":
                parts.append(f".label = {labels.index(wire)}")
            if member in shape.get("required", []):
                parts.append(".required = true")
            last = member == self.differences.get(name, {}).get("last")
            rows.append(((ORDER.index(place), last), "        { " + ", ".join(parts) + " },"))
        text = "\n".join(row for _, row in sorted(rows, key=lambda row: row[0]))
        return self.define("model_member", "members", name, "[] = {\n" + text + "\n}")

    def operation(self, name, operation):
        http = operation["http"]
        path = re.sub(r"\{[^}]*\}", "{}", http["requestUri"])
        labels = re.findall(r"\{(\w+)\+?\}", http["requestUri"])
        parts = [quote(name), f"HTTP_{http['method']}_", quote(path), str(http.get("responseCode", 200))]
        if "input" in operation:
            shape = self.model["shapes"][operation["input"]["shape"]]
            if shape["members"]:
                parts.append(self.members(operation["input"]["shape"], shape, labels))
                parts.append(str(len(shape["members"])))
        return "        { " + ", ".join(parts) + " },"


def make(model):
    name = model["metadata"].get("endpointPrefix", "lambda")
    wanted = NEIGHBOURS.get(name, model["operations"])
    table = Table(model, NEIGHBOUR_DIFFERENCES.get(name, {}) if name in NEIGHBOURS else DIFFERENCES)
    operations = [table.operation(key, operation) for key, operation in sorted(model["operations"].items()) if key in wanted]
    missing = set(wanted) - set(model["operations"])
    if missing:
        raise SystemExit(f"{name}: the model has no {', '.join(sorted(missing))}")
    return "\n".join([
        "/* SPDX-License-Identifier: Apache-2.0 */",
        f"/* Made by tools/make_model.py from AWS's model of {TITLES.get(name, 'the Lambda API')}: change that, not this. */",
        "/* clang-format off */",
        *(['#include "api/neighbours/neighbour.h"'] if name in NEIGHBOURS else ['#include "api/model.h"', "", '#include "api/runtimes.h"']),
        "",
        *table.lines,
        "",
        f"const struct model_operation {name + '_operations' if name in NEIGHBOURS else 'model_operations'}[] = {{",
        *operations,
        "};",
        "",
        f"const size_t {name if name in NEIGHBOURS else 'model'}_operation_count = {len(operations)};",
        "",
    ])


def read(path):
    return json.loads((gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()))


def main():
    # A model is never written over, whatever a shell makes of a pattern.
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and not sys.argv[2].endswith(".c")):
        raise SystemExit(__doc__)
    text = make(read(pathlib.Path(sys.argv[1])))
    if len(sys.argv) == 3:
        pathlib.Path(sys.argv[2]).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
