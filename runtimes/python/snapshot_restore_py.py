# SPDX-License-Identifier: Apache-2.0
"""Hooks around a SnapStart snapshot, under the name by which functions import them.

Before the snapshot the last registered runs first; after the restore the first registered runs first.
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before_snapshot


def get_after_restore():
    return _after_restore
