/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session.h"

#include "api/api_private.h"
#include "base/base64.h"
#include "lib/sigv4.h"

#define TOKEN_MAX (4 * KIB)
#define KEY_RANDOM 8 /* 16 hex digits */

void session_free(struct session *session) {
        if (!session)
                return;
        free(session->arn);
        free(session->id);
        free(session->key);
        free(session);
}

void session_keys_clear(struct session_keys *keys) {
        free(keys->key);
        free(keys->secret);
        free(keys->token);
        *keys = (struct session_keys){};
}

/* purpose keeps the two uses of the one secret apart. */
static void seal(const struct api *api, const char *purpose, const char *text,
                 unsigned char ret_seal[static SHA256_LEN]) {
        AUTO(str) char *whole = xstrcat(purpose, "\n", text, NULL);

        hmac_sha256(api->secret, sizeof(api->secret), whole, strlen(whole), ret_seal);
}

char *session_secret(const struct api *api, const char *key) {
        AUTO(buf) struct buf text = BUF_NULL(KIB);
        unsigned char raw[SHA256_LEN];

        seal(api, "session secret", key, raw);
        must(base64_append(&text, raw, 30) == 0);
        return buf_take_str(&text, NULL);
}

void session_make(const struct api *api, const struct session *session, struct session_keys *ret_keys) {
        AUTO(buf) struct buf token = BUF_NULL(TOKEN_MAX);
        char digits[2 * KEY_RANDOM + 1], hex[SHA256_HEX_LEN + 1], expires[U64_TEXT];
        AUTO(str) char *said = NULL, *whole = NULL;
        unsigned char raw[SHA256_LEN];

        random_bytes(raw, KEY_RANDOM);
        hex_encode(raw, KEY_RANDOM, digits);
        for (char *c = digits; *c; c++)
                if (*c >= 'a')
                        *c += 'A' - 'a';
        ret_keys->key = xstrcat("ASIA", digits, NULL);
        ret_keys->secret = session_secret(api, ret_keys->key);
        said = xstrcat(session->account, " ", session->arn, " ", session->id, " ", ret_keys->key, " ",
                       u64_text(session->expires, expires), NULL);
        seal(api, "session token", said, raw);
        hex_encode(raw, sizeof(raw), hex);
        whole = xstrcat(hex, " ", said, NULL);
        must(base64_append(&token, whole, strlen(whole)) == 0);
        ret_keys->token = buf_take_str(&token, NULL);
}

static bool is_sealed(const struct api *api, const char *hex, const char *said) {
        char wanted[SHA256_HEX_LEN + 1];
        unsigned char raw[SHA256_LEN];
        unsigned differs = 0;

        seal(api, "session token", said, raw);
        hex_encode(raw, sizeof(raw), wanted);
        for (size_t i = 0; i < SHA256_HEX_LEN; i++)
                differs |= (unsigned)(hex[i] ^ wanted[i]);
        return differs == 0;
}

struct session *session_read(const struct api *api, const char *token) {
        AUTO(buf) struct buf text = BUF_NULL(TOKEN_MAX);
        AUTO(str) char *whole = NULL;
        struct session *session;
        char *part[5], *rest;

        if (!token || base64_decode(token, strlen(token), &text) || text.len <= SHA256_HEX_LEN + 1)
                return NULL;
        whole = buf_take_str(&text, NULL);
        if (strlen(whole) <= SHA256_HEX_LEN + 1 || !is_sealed(api, whole, whole + SHA256_HEX_LEN + 1))
                return NULL;
        rest = whole + SHA256_HEX_LEN + 1;
        for (size_t i = 0; i < ARRAY_SIZE(part); i++)
                must((part[i] = strsep(&rest, " ")));
        session = xcalloc(1, sizeof(*session));
        str_fit(session->account, sizeof(session->account), part[0]);
        session->arn = xstrdup(part[1]);
        session->id = xstrdup(part[2]);
        session->key = xstrdup(part[3]);
        must(str_to_u64(part[4], UINT64_MAX, &session->expires) == 0);
        return session;
}
