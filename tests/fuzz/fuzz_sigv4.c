/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: path, query, signed headers, a value. The canonical form of a canonical query is itself. */
#include "lib/sigv4.h"

static char *line(char **rest) {
        char *text = strsep(rest, "\n");

        return text ? text : "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO(str) char *text = xmemdup(data, size), *again = NULL;
        char *rest = text, *path = line(&rest), *query = line(&rest), *headers = line(&rest),
             *value = line(&rest);
        const struct http_field field = { "host", value, 4, strlen(value) };
        struct sigv4_request request = { "GET", path, query, &field, 1, headers, "P" };
        AUTO(buf) struct buf first = BUF_NULL(MIB), second = BUF_NULL(MIB);
        const char *at, *end;

        if (sigv4_canonical(&request, &first))
                return 0;
        request.path = "/";
        buf_clear(&first);
        must(sigv4_canonical(&request, &first) == 0);
        at = buf_data(&first) + strlen("GET\n/\n");
        end = memchr(at, '\n', first.len);
        again = xstrndup(at, (size_t)(end - at));
        request.query = again;
        must(sigv4_canonical(&request, &second) == 0);
        must(first.len == second.len && memcmp(buf_data(&first), buf_data(&second), first.len) == 0);
        return 0;
}
