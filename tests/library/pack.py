# SPDX-License-Identifier: Apache-2.0
"""pack.py PROGRAM ZIP: a deployment package with the program as its bootstrap."""

import sys
import zipfile

info = zipfile.ZipInfo("bootstrap")
info.external_attr = 0o100755 << 16
with open(sys.argv[1], "rb") as program, zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as out:
    out.writestr(info, program.read(), zipfile.ZIP_DEFLATED)
