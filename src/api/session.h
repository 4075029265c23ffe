/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the temporary credentials that AssumeRole hands out
 *
 * A session token says itself who its bearer is and until when, under a seal that only this daemon can make (HMAC with
 * api->secret); the secret access key is derived from the key's id the same way. So nothing is stored, and sessions end
 * with the daemon. A token that is not ours, as of a client that uses its real credentials here, says nothing.
 */
#pragma once
#include "api/request.h"

struct session {
        char account[ACCOUNT_LEN + 1];
        char *arn;        /* arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME */
        char *id;         /* of the role, a colon, the session's name */
        char *key;        /* the access key's id */
        uint64_t expires; /* Unix seconds */
};

struct session_keys {
        char *key, *secret, *token;
};

void session_keys_clear(struct session_keys *keys);
static inline void session_keys_freep(struct session_keys *keys) {
        session_keys_clear(keys);
}
/* Of a session whose key has not been chosen. */
void session_make(const struct api *api, const struct session *session, struct session_keys *ret_keys);
/* NULL: not ours, or NULL. An expired one is told as it is. */
struct session *session_read(const struct api *api, const char *token);
void session_free(struct session *session);
DEFINE_FREEP(session)
/* The secret access key of a key that session_make chose; malloc'ed. */
char *session_secret(const struct api *api, const char *key);
