/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty - a disk that fails on demand: a VFS of SQLite's that sits on the default one
 *
 * Writes, syncs and truncations are counted; the one that is to fail answers like a full disk, and with it
 * every later one until faulty_fail_at(0). Becomes the default VFS, so it must be installed before a store is
 * opened.
 */
#pragma once

void faulty_install(void);
/* The n-th operation from now on fails, and all behind it; 0: none. */
void faulty_fail_at(unsigned n);
/* Whether the failure has happened. */
int faulty_has_failed(void);
