/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control-plane body cut at a place that the input chooses: the scanner finds the same ZipFile whole and in
 * pieces, and what it keeps parses as JSON exactly when the body does.
 */
#include <jansson.h>

#include "api/body_scanner.h"

static int take(void *owner, const char *text, size_t len) {
        return buf_append(owner, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO(buf) struct buf whole_zip = BUF_NULL(MIB), cut_zip = BUF_NULL(MIB);
        struct body_scanner whole, cut;
        const char *text = (const char *)data + 2;
        size_t len, at;
        int r;

        if (size < 2)
                return 0;
        len = size - 2;
        at = len ? data[0] % (len + 1) : 0;
        body_scanner_init(&whole, data[1] & 1 ? "Code" : "", MIB, take, &whole_zip);
        body_scanner_init(&cut, data[1] & 1 ? "Code" : "", MIB, take, &cut_zip);
        r = body_scanner_feed(&whole, text, len);
        if (r == 0) {
                must(body_scanner_feed(&cut, text, at) == 0 &&
                     body_scanner_feed(&cut, text + at, len - at) == 0);
                must(whole_zip.len == cut_zip.len && whole.kept.len == cut.kept.len);
                must(whole_zip.len == 0 ||
                     memcmp(buf_data(&whole_zip), buf_data(&cut_zip), whole_zip.len) == 0);
                must(whole.kept.len == 0 ||
                     memcmp(buf_data(&whole.kept), buf_data(&cut.kept), whole.kept.len) == 0);
                if (!whole.zip_seen)
                        must(whole.kept.len == len);
        }
        if (r == 0 && len > 0) {
                json_t *before = json_loadb(text, len, 0, NULL);
                json_t *after = json_loadb(buf_data(&whole.kept), whole.kept.len, 0, NULL);

                must(!before || after);
                json_decref(before);
                json_decref(after);
        }
        body_scanner_deinit(&whole);
        body_scanner_deinit(&cut);
        return 0;
}
