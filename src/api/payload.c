/* SPDX-License-Identifier: Apache-2.0 */
#include "api/payload.h"

#include <endian.h>

#include "base/base64.h"
#include "base/json.h"
#include "engine/engine.h"

#define CLIENT_CONTEXT_MAX 3583

#define WHERE \
        "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %zu, column: %zu]"
#define COULD_NOT "Could not parse request body into json: Could not parse payload into json: "

static bool starts_token(unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static size_t token_len(const char *text, size_t len) {
        size_t n = 0;

        while (n < len && (starts_token((unsigned char)text[n]) || (text[n] >= '0' && text[n] <= '9')))
                ++n;
        return n;
}

/* What the validator stopped at, in the words of the Java parser behind AWS's front door. */
bool payload_check(struct api_request *r, const char *text, size_t len) {
        struct json_error error;
        unsigned char c;

        if (!len || json_validate(text, len, &error) == 0)
                return true;
        if (error.offset >= len) {
                api_fail(r, PROBLEM_INVALID_CONTENT, COULD_NOT "Unexpected end-of-input: %s\n at " WHERE,
                         error.reason, error.line, error.column);
                return false;
        }
        c = (unsigned char)text[error.offset];
        if (starts_token(c)) {
                int token = (int)MIN(token_len(text + error.offset, len - error.offset), (size_t)256);

                api_fail(r, PROBLEM_INVALID_CONTENT,
                         COULD_NOT
                         "Unrecognized token '%.*s': was expecting (JSON String, Number, Array, Object or "
                         "token 'null', 'true' or 'false')\n at " WHERE,
                         token, text + error.offset, error.line, error.column + (size_t)token);
        } else if (c >= 0x80) {
                api_fail(r, PROBLEM_INVALID_CONTENT, COULD_NOT "Invalid UTF-8 start byte 0x%02x\n at " WHERE,
                         c, error.line, error.column);
        } else if (c < 0x20 || c == 0x7f) {
                api_fail(
                        r, PROBLEM_INVALID_CONTENT,
                        COULD_NOT
                        "Illegal unquoted character ((CTRL-CHAR, code %u)): has to be escaped using backslash "
                        "to be included in string value\n at " WHERE,
                        c, error.line, error.column);
        } else {
                api_fail(
                        r, PROBLEM_INVALID_CONTENT,
                        COULD_NOT "Unexpected character ('%c' (code %u)): %s\n at " WHERE, c, c,
                        "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or "
                        "'false')",
                        error.line, error.column);
        }
        return false;
}

static bool is_object(const struct buf *json) {
        const char *text = buf_data(json);
        size_t i = 0;

        while (i < json->len && strchr(" \t\r\n", text[i]))
                ++i;
        return i < json->len && text[i] == '{';
}

/* It travels on in a header. Outside strings, where they cannot be, line ends are white space like any other. */
static void put_on_one_line(struct buf *json) {
        char *text = buf_data(json);

        for (size_t i = 0; i < json->len; ++i)
                if (text[i] == '\n' || text[i] == '\r')
                        text[i] = ' ';
        buf_consume(json, strspn(text, " \t"));
}

bool payload_client_context(struct api_request *r, char **ret_json) {
        const char *header = http_header(r->exchange, "x-amz-client-context");
        AUTO(buf) struct buf json = BUF_NULL(CLIENT_CONTEXT_MAX);

        *ret_json = NULL;
        if (!header || !*header)
                return true;
        if (strlen(header) > CLIENT_CONTEXT_MAX) {
                api_fail(r, PROBLEM_INVALID_CONTENT,
                         "Client context must be at most %d bytes when base64-encoded.", CLIENT_CONTEXT_MAX);
                return false;
        }
        if (base64_decode(header, strlen(header), &json) || !json.len ||
            json_validate(buf_data(&json), json.len, NULL) || !is_object(&json)) {
                api_fail(r, PROBLEM_INVALID_CONTENT,
                         "Client context must be a valid Base64-encoded JSON object.");
                return false;
        }
        put_on_one_line(&json);
        *ret_json = xmemdup(buf_data(&json), json.len);
        return true;
}

/* A header value that goes on to the runtime: visible ASCII only, bounded. */
static bool is_plain(const char *s) {
        size_t len = strlen(s);

        if (!len || len > 1024)
                return false;
        for (; *s; ++s)
                if (*s < 0x20 || *s == 0x7f)
                        return false;
        return true;
}

char *payload_trace_id(const struct api_request *r) {
        const char *given = http_header(r->exchange, "x-amzn-trace-id");
        uint32_t seconds = htobe32((uint32_t)(loop_wall(engine_loop(r->engine)) / SECOND));
        unsigned char random[24];
        char time[9], digits[49], room[128];
        struct buf id = BUF_LENT(room, sizeof(room) - 1);

        if (given && is_plain(given))
                return xstrdup(given);
        random_bytes(random, sizeof(random));
        hex_encode(random, sizeof(random), digits);
        hex_encode(&seconds, sizeof(seconds), time);
        buf_append_str(&id, "Root=1-");
        buf_append(&id, time, 8);
        buf_append_str(&id, "-");
        buf_append(&id, digits, 24);
        buf_append_str(&id, ";Parent=");
        buf_append(&id, digits + 24, 16);
        buf_append_str(&id, ";Sampled=0;Lineage=1:");
        buf_append(&id, digits + 40, 8);
        buf_append_str(&id, ":0");
        return xmemdup(room, id.len);
}
