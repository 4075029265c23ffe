/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uids - which user ids are ours, out of the range that nobody assigns (systemd's UIDS-GIDS: above 1879048192,
 * below 2^31)
 *
 * T1 gives each cell a uid and gid of its own from a block; a launcher holds its block by binding an abstract
 * socket of that name. The id behind the last block is for a daemon that root has started without saying as
 * whom it shall run.
 */
#pragma once

#define UID_RANGE_START 1980000000u
#define UID_BLOCK 16384u
#define UID_BLOCKS 64u
#define UID_OF_DAEMON (UID_RANGE_START + UID_BLOCKS * UID_BLOCK)
