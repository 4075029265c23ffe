/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - where "host:port", "[::1]:port" and "unix:/path" lead; for the client only
 *
 * Names are looked up in /etc/hosts and nowhere else: the resolver of libc would block the loop, and it
 * cannot be carried in a static program.
 */
#pragma once
#include <sys/socket.h>

#include "base/util.h"

#define ADDRESSES_MAX 4

struct address {
        struct sockaddr_storage at;
        socklen_t len;
};

/* Whether it is of such a form, whatever names there are. */
bool address_is_sound(const char *text);
/* 0 with at least one address, -EINVAL (malformed), -EHOSTUNREACH (unknown name). */
int address_find(const char *text, struct address ret_list[static ADDRESSES_MAX], size_t *ret_count);
/* As above, with names from this file instead of /etc/hosts. */
int address_find_in(const char *hosts_file, const char *text, struct address ret_list[static ADDRESSES_MAX],
                    size_t *ret_count);
