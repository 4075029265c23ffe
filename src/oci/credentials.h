/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials - how this user logs in to a registry, from the user's own configuration
 *
 * Read, never written: Docker's config.json ($DOCKER_CONFIG, ~/.docker) and Podman's auth.json
 * ($REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers, ~/.config/containers), in this order, the first that knows
 * the host. Where one names a credential helper, docker-credential-NAME is asked by its documented protocol
 * (the host on standard input, {"Username","Secret"} on standard output), for ten seconds at most. All of it
 * happens on the worker thread.
 */
#pragma once
#include "loop/loop.h"

struct credentials_wait {
        struct credentials_job *job; /* NULL while idle */
        /* token: what the Engine API wants in X-Registry-Auth; NULL when nothing is known of the host. */
        void (*fn)(struct credentials_wait *wait, const char *token);
};

void credentials_want(struct loop *loop, const char *host, struct credentials_wait *wait,
                      void (*fn)(struct credentials_wait *wait, const char *token));
void credentials_cancel(struct credentials_wait *wait); /* legal on a zeroed one */

/* What a configuration file says of a host. For the job, and for tests. */
struct credentials {
        char *user, *secret; /* NULL: none. A user of "<token>" means that the secret is an identity token. */
        char *helper;        /* docker-credential-HELPER knows; NULL */
};
/* 0, -ENOENT (nothing), -EINVAL (no such file format). */
int credentials_read(const char *text, size_t len, const char *host, struct credentials *ret_credentials);
/* 0, or -ENOENT (it knows nothing, or does not work). The helper is found in PATH. Blocks. */
int credentials_ask(const char *helper, const char *host, struct credentials *ret_credentials);
/* The header's value; malloc'ed. */
char *credentials_token(const struct credentials *c, const char *host);
void credentials_clear(struct credentials *c); /* legal on a zeroed one */
