/* SPDX-License-Identifier: Apache-2.0 */
#include "http/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>
#include <sys/un.h>

#define HOST_MAX 253

static int unix_address(const char *path, struct address *ret_address) {
        struct sockaddr_un *un = (struct sockaddr_un *)&ret_address->at;
        size_t len = strlen(path);

        if (!len || len >= sizeof(un->sun_path))
                return -EINVAL;
        *ret_address = (struct address){ .at.ss_family = AF_UNIX, .len = sizeof(*un) };
        memcpy(un->sun_path, path, len + 1);
        return 0;
}

static bool literal_address(const char *host, uint16_t port, struct address *ret_address) {
        struct sockaddr_in *four = (struct sockaddr_in *)&ret_address->at;
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&ret_address->at;

        *ret_address = (struct address){};
        if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
                four->sin_family = AF_INET;
                four->sin_port = htons(port);
                ret_address->len = sizeof(*four);
                return true;
        }
        if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
                six->sin6_family = AF_INET6;
                six->sin6_port = htons(port);
                ret_address->len = sizeof(*six);
                return true;
        }
        return false;
}

/* One line of hosts(5): an address and its names. */
static bool line_names(char *line, const char *host, char **ret_address) {
        char *word, *rest = line;

        line[strcspn(line, "#\n")] = 0;
        *ret_address = strtok_r(rest, " \t", &rest);
        if (!*ret_address)
                return false;
        while ((word = strtok_r(NULL, " \t", &rest)))
                if (strcasecmp(word, host) == 0)
                        return true;
        return false;
}

static void named_addresses(const char *hosts_file, const char *host, uint16_t port,
                            struct address ret_list[static ADDRESSES_MAX], size_t *ret_count) {
        FILE *file = fopen(hosts_file, "re");
        char line[1024], *literal;

        *ret_count = 0;
        while (file && *ret_count < ADDRESSES_MAX && fgets(line, sizeof(line), file))
                if (line_names(line, host, &literal) && literal_address(literal, port, &ret_list[*ret_count]))
                        ++*ret_count;
        if (file)
                fclose(file);
}

/* "host:port" or "[host]:port". */
static int split(const char *text, char ret_host[static HOST_MAX + 1], uint16_t *ret_port) {
        const char *colon = strrchr(text, ':'), *from = text, *to = colon;
        uint64_t port;

        if (!colon || str_to_u64(colon + 1, UINT16_MAX, &port) || !port)
                return -EINVAL;
        if (*from == '[') {
                if (to - from < 3 || *--to != ']')
                        return -EINVAL;
                ++from;
        } else if (memchr(from, ':', (size_t)(to - from))) {
                return -EINVAL;
        }
        if (to == from || to - from > HOST_MAX)
                return -EINVAL;
        memcpy(ret_host, from, (size_t)(to - from));
        ret_host[to - from] = 0;
        *ret_port = (uint16_t)port;
        return 0;
}

bool address_is_sound(const char *text) {
        struct address address;
        char host[HOST_MAX + 1];
        uint16_t port;

        if (str_starts(text, "unix:"))
                return unix_address(text + 5, &address) == 0;
        return split(text, host, &port) == 0 && (*text != '[' || literal_address(host, port, &address));
}

int address_find_in(const char *hosts_file, const char *text, struct address ret_list[static ADDRESSES_MAX],
                    size_t *ret_count) {
        char host[HOST_MAX + 1];
        uint16_t port;

        *ret_count = 1;
        if (str_starts(text, "unix:"))
                return unix_address(text + 5, &ret_list[0]);
        if (split(text, host, &port))
                return -EINVAL;
        if (literal_address(host, port, &ret_list[0]))
                return 0;
        if (*text == '[')
                return -EINVAL;
        /* RFC 6761: localhost is the loopback, whatever the file says of it. */
        if (strcasecmp(host, "localhost") == 0) {
                literal_address("127.0.0.1", port, &ret_list[0]);
                literal_address("::1", port, &ret_list[1]);
                *ret_count = 2;
                return 0;
        }
        named_addresses(hosts_file, host, port, ret_list, ret_count);
        return *ret_count ? 0 : -EHOSTUNREACH;
}

int address_find(const char *text, struct address ret_list[static ADDRESSES_MAX], size_t *ret_count) {
        return address_find_in("/etc/hosts", text, ret_list, ret_count);
}
