# SPDX-License-Identifier: Apache-2.0
"""Runtime client of lambent for Python functions.

Module and function names follow the client that AWS puts into its own images, because monitoring libraries look
for them there and wrap them. Nothing beyond interpreter built-ins is imported before the first poll is written:
`logging`, `json` and `traceback` cost more than the interpreter's own start.
"""

__version__ = "4.2.2"
