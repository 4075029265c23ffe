/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provisioned - provisioned concurrency: environments of a version that are started before anybody asks
 *
 * A version has it, or an alias; of an alias it is the version that the alias points to first. What is wanted is a
 * document; the version knows the sum, and the port of the registry starts them.
 */
#pragma once
#include "function/document.h"

struct provisioned {
        uint64_t requested;
        nsec_t modified; /* wall */
};

enum provisioned_outcome {
        PROVISIONED_ALIAS_OF = 1, /* an alias that points to the version has it */
        PROVISIONED_VERSION,      /* the version of the alias has it, from another or by itself */
        PROVISIONED_RESERVED,     /* more than the function's reservation */
        PROVISIONED_UNRESERVED,   /* so much is not unreserved */
};

/* 0, DOCUMENT_ABSENT, -errno. */
int provisioned_get(struct registry *r, const struct function *f, const char *qualifier,
                    struct provisioned *ret_provisioned);
/* The qualifier exists and is not $LATEST. 0, enum provisioned_outcome, -errno. */
int provisioned_put(struct registry *r, struct function *f, const char *qualifier, uint64_t requested);
int provisioned_delete(struct registry *r, struct function *f, const char *qualifier);
bool provisioned_read(const json_t *document, struct provisioned *ret_provisioned);
/* After aliases or versions have changed, or at the start. 0 or -errno. */
int provisioned_apply(struct registry *r, struct function *f);
