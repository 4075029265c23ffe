/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine - what lambent-archive gives up before it looks at the first foreign byte
 *
 * In this order: limits and priority; every descriptor it was not given; its view of the file system (chroot
 * where it has the right to, Landlock where the kernel has it); capabilities; and all system calls but those
 * of its verb. The first is demanded, of the others each works alone where the next one is missing.
 */
#pragma once
#include <stdint.h>

enum confine_verb { CONFINE_UNPACK, CONFINE_TREES, CONFINE_PACK };

struct confinement {
        enum confine_verb verb;
        int target_fd;      /* the one directory that may be written below; -1: none */
        int descriptors;    /* 0 … descriptors-1 stay open */
        uint64_t file_size; /* no file grows beyond; 0: no limit */
};

/* 0 or -errno. Nothing can be opened by an outer path afterwards. */
int confine(const struct confinement *c);
