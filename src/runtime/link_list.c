/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/link_list.h"

#include "runtime/environment.h"

const char *link_list_next(const struct link_bytes *list, const char *at) {
        const char *next = at ? at + strlen(at) + 1 : list->data;

        return list->len && next < list->data + list->len ? next : NULL;
}

size_t link_list_count(const struct link_bytes *list) {
        size_t count = 0;

        for (const char *at = NULL; (at = link_list_next(list, at));)
                ++count;
        return count;
}

const char **link_list_strings(const struct link_bytes *list) {
        const char **strings = xcalloc(link_list_count(list) + 1, sizeof(*strings));
        size_t count = 0;

        for (const char *at = NULL; (at = link_list_next(list, at));)
                strings[count++] = at;
        return strings;
}

struct env_var *link_list_vars(const struct link_bytes *list, size_t *ret_count) {
        struct env_var *vars = xcalloc(link_list_count(list) / 2 + 1, sizeof(*vars));
        size_t count = 0;

        for (const char *at = NULL; (at = link_list_next(list, at));) {
                vars[count].name = at;
                at = link_list_next(list, at);
                vars[count++].value = at;
        }
        *ret_count = count;
        return vars;
}

int link_list_add(struct buf *buf, const char *string) {
        return buf_append(buf, string, strlen(string) + 1);
}
