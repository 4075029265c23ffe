/* SPDX-License-Identifier: Apache-2.0 */
#include "api/paging.h"

#include <stdio.h>

#include "base/base64.h"

#define MARKER_MAX ((size_t)1024)

void page_clear(struct page *p) {
        free(p->after_name);
        free(p->last_name);
        *p = (struct page){};
}

static bool read_marker(const char *marker, struct page *p) {
        AUTO(buf) struct buf text = BUF_NULL(MARKER_MAX);
        char *slash;

        if (base64_decode(marker, strlen(marker), &text) || buf_append(&text, "", 1))
                return false;
        slash = strchr(buf_data(&text), '/');
        if (!slash || str_to_u64(slash + 1, INT64_MAX, &p->after_number))
                return false;
        p->after_name = xstrndup(buf_data(&text), (size_t)(slash - buf_data(&text)));
        return true;
}

bool page_begin(struct api_request *r, struct page *ret_page) {
        AUTO(str) char *items = http_query_param(r->exchange, "MaxItems");
        AUTO(str) char *marker = http_query_param(r->exchange, "Marker");
        uint64_t most = PAGE_ITEMS;

        *ret_page = (struct page){};
        if (items && *items)
                str_to_u64(items, INT64_MAX, &most);
        ret_page->most = (size_t)MIN(most, (uint64_t)PAGE_ITEMS);
        if (!marker || !*marker || read_marker(marker, ret_page))
                return true;
        api_fail(r, PROBLEM_INVALID_PARAMETER, "Invalid Marker: %.256s", marker);
        return false;
}

bool page_take(struct page *p, const char *name, uint64_t number) {
        if (p->count == p->most) {
                p->more = true;
                return false;
        }
        p->count++;
        p->last_number = number;
        if (!p->last_name || !streq(p->last_name, name)) {
                free(p->last_name);
                p->last_name = xstrdup(name);
        }
        return true;
}

/* NULL on the last page; malloc'ed. */
static char *marker_of(const struct page *p) {
        AUTO(buf) struct buf marker = BUF_NULL(MARKER_MAX);
        AUTO(str) char *text = NULL;

        if (!p->more)
                return NULL;
        text = xasprintf("%s/%llu", p->last_name, (unsigned long long)p->last_number);
        must(base64_append(&marker, text, strlen(text)) == 0);
        return buf_take_str(&marker, NULL);
}

void page_write_marker(const struct page *p, struct json_writer *w) {
        AUTO(str) char *marker = marker_of(p);

        json_str(w, "NextMarker", marker);
}

json_t *page_tree(const struct page *p, const char *member, json_t *items) {
        AUTO(str) char *marker = marker_of(p);

        return json_pack("{s:O, s:s?}", member, items, "NextMarker", marker);
}
