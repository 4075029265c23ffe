/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paging - Marker and MaxItems of the lists
 *
 * A marker is opaque to clients: Base64 of the last item's name and number. The next page begins behind it,
 * also when that item has been deleted meanwhile.
 */
#pragma once
#include "api/request.h"
#include "base/json.h"

#define PAGE_ITEMS 50 /* a page never has more, whatever MaxItems says (docs/aws.md, requests) */

struct page {
        size_t most, count;
        char *after_name; /* NULL: from the start */
        uint64_t after_number;
        char *last_name; /* of what was taken last */
        uint64_t last_number;
        bool more; /* something did not fit */
};

void page_clear(struct page *p);
static inline void page_freep(struct page *p) {
        page_clear(p);
}
/* Reads the parameters. False: answered. */
bool page_begin(struct api_request *r, struct page *ret_page);
/* Whether one more item fits; if so it counts as taken. */
bool page_take(struct page *p, const char *name, uint64_t number);
/* {member: items, "NextMarker"}; a new reference. */
json_t *page_tree(const struct page *p, const char *member, json_t *items);
/* NextMarker: null on the last page. */
void page_write_marker(const struct page *p, struct json_writer *w);
