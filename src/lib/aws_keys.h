/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_keys - with whose credentials lambent asks AWS, or who stands for it
 *
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment, else the profile AWS_PROFILE
 * ("default") of the shared credentials file (AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials). What would need another
 * service or a program (roles, single sign-on, instance metadata, credential_process) is not tried.
 */
#pragma once
#include "base/buf.h"

struct aws_keys {
        char *key, *secret, *token; /* token NULL: they are not temporary */
};

void aws_keys_clear(struct aws_keys *keys);
static inline void aws_keys_freep(struct aws_keys *keys) {
        aws_keys_clear(keys);
}
/* 0, -ENOENT (there are none), or -errno of the file with a sentence (malloc'ed). */
int aws_keys_find(struct aws_keys *ret_keys, char **ret_problem);
/* A profile of a credentials file's text: 0, -ENOENT. */
int aws_keys_read(const char *text, size_t len, const char *profile, struct aws_keys *ret_keys);
