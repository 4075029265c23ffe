/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sigv4.h"

#include "base/random.h"

#define HMAC_BLOCK 64
#define PARAMETERS_MAX 1024

/* RFC 2104. */
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                 unsigned char ret_digest[static SHA256_LEN]) {
        unsigned char block[HMAC_BLOCK] = {}, inner[HMAC_BLOCK], outer[HMAC_BLOCK];
        struct sha256 ctx;

        sha256_init(&ctx);
        if (key_len > HMAC_BLOCK) {
                sha256_update(&ctx, key, key_len);
                sha256_final(&ctx, block);
                sha256_init(&ctx);
        } else if (key_len) {
                memcpy(block, key, key_len);
        }
        for (size_t i = 0; i < HMAC_BLOCK; i++) {
                inner[i] = block[i] ^ 0x36;
                outer[i] = block[i] ^ 0x5c;
        }
        sha256_update(&ctx, inner, HMAC_BLOCK);
        sha256_update(&ctx, data, len);
        sha256_final(&ctx, ret_digest);
        sha256_init(&ctx);
        sha256_update(&ctx, outer, HMAC_BLOCK);
        sha256_update(&ctx, ret_digest, SHA256_LEN);
        sha256_final(&ctx, ret_digest);
}

void sigv4_sha256_hex(const void *data, size_t len, char ret_hex[static SHA256_HEX_LEN + 1]) {
        unsigned char digest[SHA256_LEN];
        struct sha256 ctx;

        sha256_init(&ctx);
        sha256_update(&ctx, data, len);
        sha256_final(&ctx, digest);
        hex_encode(digest, sizeof(digest), ret_hex);
}

static bool is_unreserved(char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_' || c == '~';
}

int sigv4_escape(struct buf *buf, const char *s, size_t len, bool keep_slash) {
        static const char digits[] = "0123456789ABCDEF";
        int r = 0;

        for (size_t i = 0; i < len && !r; i++) {
                const unsigned char c = (unsigned char)s[i];
                const char escaped[] = { '%', digits[c >> 4], digits[c & 15] };

                r = is_unreserved(s[i]) || (keep_slash && c == '/') ? buf_append(buf, &s[i], 1)
                                                                    : buf_append(buf, escaped, 3);
        }
        return r;
}

/* ---- the path ---- */

/* Without empty segments, "." and ".." (RFC 3986 section 5.2.4), but with the slash that may end it. */
static int append_normal(struct buf *out, const char *path) {
        size_t begin = out->len;
        bool open = true;
        int r = 0;

        for (const char *s = path; *s && !r;) {
                size_t len = strcspn(++s, "/");

                open = len == 0;
                if (len == 2 && s[0] == '.' && s[1] == '.') {
                        while (out->len > begin && buf_data(out)[out->len - 1] != '/')
                                out->len--;
                        out->len -= out->len > begin;
                        open = true;
                } else if (len == 1 && s[0] == '.') {
                        open = true;
                } else if (len) {
                        r = buf_append(out, "/", 1) ?: buf_append(out, s, len);
                }
                s += len;
        }
        return r ?: open ? buf_append(out, "/", 1) : 0;
}

static int append_path(const struct sigv4_request *request, struct buf *canonical) {
        AUTO(buf) struct buf normal = BUF_NULL(canonical->cap);
        int r;

        if (request->path_as_is)
                return buf_append_str(canonical, *request->path ? request->path : "/");
        r = append_normal(&normal, request->path);
        return r ?: sigv4_escape(canonical, buf_data(&normal), normal.len, true);
}

/* ---- the query ---- */

/* "name=value", both escaped anew; they are sorted by name, then by value. */
struct parameter {
        char *name, *value;
};

struct parameters {
        struct parameter *list;
        size_t count;
};

static void parameters_freep(struct parameters *p) {
        for (size_t i = 0; i < p->count; i++) {
                free(p->list[i].name);
                free(p->list[i].value);
        }
        free(p->list);
}

static int by_name(const void *a, const void *b) {
        const struct parameter *p = a, *q = b;
        int order = strcmp(p->name, q->name);

        return order ? order : strcmp(p->value, q->value);
}

static int escape_anew(const char *s, size_t len, char **ret_text) {
        AUTO(buf) struct buf plain = BUF_NULL(64 * KIB), text = BUF_NULL(192 * KIB);
        int r = http_percent_decode(s, len, false, &plain);

        r = r ?: sigv4_escape(&text, buf_data(&plain), plain.len, false);
        if (!r)
                *ret_text = xmemdup(text.len ? buf_data(&text) : "", text.len);
        return r;
}

static int read_parameters(const char *query, struct parameters *p) {
        p->list = xcalloc(PARAMETERS_MAX, sizeof(*p->list));
        for (const char *s = query; *s;) {
                size_t len = strcspn(s, "&"), name_len = strcspn(s, "&=");
                struct parameter *one = &p->list[p->count];
                int r;

                if (p->count == PARAMETERS_MAX)
                        return -E2BIG;
                if (len && !(name_len == 15 && memcmp(s, "X-Amz-Signature", 15) == 0)) {
                        p->count++;
                        r = escape_anew(s, name_len, &one->name);
                        if (!r && name_len < len)
                                r = escape_anew(s + name_len + 1, len - name_len - 1, &one->value);
                        else if (!r)
                                one->value = xstrdup("");
                        if (r)
                                return r;
                }
                s += len + (s[len] == '&');
        }
        return 0;
}

static int append_query(const struct sigv4_request *request, struct buf *canonical) {
        AUTO(parameters) struct parameters p = {};
        int r = 0;

        if (!*request->query)
                return 0;
        r = read_parameters(request->query, &p);
        if (r)
                return r;
        qsort(p.list, p.count, sizeof(*p.list), by_name);
        for (size_t i = 0; i < p.count && !r; i++)
                r = buf_append_strs(canonical, i ? "&" : "", p.list[i].name, "=", p.list[i].value, NULL);
        return r;
}

/* ---- headers ---- */

/* Without the blanks around it, and one where several stand together. */
static int append_value(struct buf *canonical, const char *value) {
        int r = 0;

        for (const char *s = value + strspn(value, " \t"); *s && !r;) {
                size_t len = strcspn(s, " \t"), blanks = strspn(s + len, " \t");

                r = buf_append(canonical, s, len);
                s += len + blanks;
                if (blanks && *s)
                        r = r ?: buf_append(canonical, " ", 1);
        }
        return r;
}

static int append_headers(const struct sigv4_request *request, struct buf *canonical) {
        int r = 0;

        for (const char *name = request->signed_headers; *name && !r;) {
                size_t len = strcspn(name, ";");
                bool first = true;

                r = buf_append(canonical, name, len) ?: buf_append(canonical, ":", 1);
                for (size_t i = 0; i < request->field_count && !r; i++) {
                        const struct http_field *field = &request->fields[i];

                        if (field->name_len != len || memcmp(field->name, name, len) != 0)
                                continue;
                        r = first ? 0 : buf_append(canonical, ",", 1);
                        r = r ?: append_value(canonical, field->value);
                        first = false;
                }
                r = r ?: buf_append(canonical, "\n", 1);
                name += len + (name[len] == ';');
        }
        return r;
}

int sigv4_canonical(const struct sigv4_request *request, struct buf *canonical) {
        int r = buf_append_strs(canonical, request->method, "\n", NULL);

        r = r ?: append_path(request, canonical);
        r = r ?: buf_append(canonical, "\n", 1);
        r = r ?: append_query(request, canonical);
        r = r ?: buf_append(canonical, "\n", 1);
        r = r ?: append_headers(request, canonical);
        return r
                       ?: buf_append_strs(canonical, "\n", request->signed_headers, "\n",
                                          request->payload_sha256, NULL);
}

void sigv4_signature(const char *secret, const struct sigv4_scope *scope, const struct buf *canonical,
                     char ret_hex[static SIGV4_HEX_LEN + 1]) {
        AUTO(str) char *first = xstrcat("AWS4", secret, NULL);
        AUTO(str) char *to_sign = NULL;
        char hex[SHA256_HEX_LEN + 1];
        unsigned char key[SHA256_LEN];

        sigv4_sha256_hex(buf_data(canonical), canonical->len, hex);
        to_sign = xstrcat(SIGV4_ALGORITHM "\n", scope->time, "\n", scope->date, "/", scope->region, "/",
                          scope->service, "/aws4_request\n", hex, NULL);
        hmac_sha256(first, strlen(first), scope->date, strlen(scope->date), key);
        hmac_sha256(key, sizeof(key), scope->region, strlen(scope->region), key);
        hmac_sha256(key, sizeof(key), scope->service, strlen(scope->service), key);
        hmac_sha256(key, sizeof(key), "aws4_request", strlen("aws4_request"), key);
        hmac_sha256(key, sizeof(key), to_sign, strlen(to_sign), key);
        hex_encode(key, sizeof(key), ret_hex);
}
