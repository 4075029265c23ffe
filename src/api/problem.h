/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem - what went wrong, in the words of AWS
 *
 * A problem is made once, where the cause is known: a kind and a sentence. One table maps the kind to the
 * name of the exception, the HTTP status, the key of the sentence in the body (`message` or `Message`:
 * docs/aws.md, errors) and to `Type`.
 */
#pragma once
#include "base/buf.h"

enum problem_kind {
        PROBLEM_VALIDATION,         /* 400, a constraint of the model */
        PROBLEM_INVALID_PARAMETER,  /* 400, a check of Lambda's own */
        PROBLEM_LIMIT,              /* the same, where AWS tells no Type */
        PROBLEM_POLICY_LENGTH,      /* 400 PolicyLengthExceededException */
        PROBLEM_SERIALIZATION,      /* 400, the body has the wrong shape */
        PROBLEM_INVALID_CONTENT,    /* 400 InvalidRequestContentException */
        PROBLEM_NOT_FOUND,          /* 404 ResourceNotFoundException */
        PROBLEM_NOT_FOUND_BARE,     /* the same, where AWS tells no Type */
        PROBLEM_PROVIDER_LIMIT,     /* 400 CapacityProviderLimitExceededException */
        PROBLEM_NOTHING_PUBLISHED,  /* 400 NoPublishedVersionException */
        PROBLEM_NO_CODE_SIGNING,    /* 404 CodeSigningConfigNotFoundException */
        PROBLEM_NO_PROVISIONED,     /* 404 ProvisionedConcurrencyConfigNotFoundException */
        PROBLEM_UNKNOWN_OPERATION,  /* 404, no such route */
        PROBLEM_CONFLICT,           /* 409 ResourceConflictException */
        PROBLEM_PRECONDITION,       /* 412 */
        PROBLEM_ENTITY_TOO_LARGE,   /* 413 RequestEntityTooLargeException, the front door's */
        PROBLEM_TOO_MANY_REQUESTS,  /* 429, with a reason */
        PROBLEM_RESOURCE_NOT_READY, /* 502 */
        PROBLEM_FORBIDDEN,          /* 403 AccessDeniedException */
        PROBLEM_SERVICE,            /* 500 ServiceException */
        PROBLEM_NOT_IMPLEMENTED,    /* 501, what lambent does not do */
        PROBLEM_UNSUPPORTED_MEDIA,  /* 415 */
        PROBLEM_KINDS
};

#define PROBLEM_MESSAGE_MAX (16 * KIB)

struct problem {
        enum problem_kind kind;
        char *message;      /* NULL: there is no problem */
        const char *reason; /* only for PROBLEM_TOO_MANY_REQUESTS */
};

#define PROBLEM_NULL ((struct problem){})

const char *problem_exception(enum problem_kind kind);
int problem_status(enum problem_kind kind);
/* Fills *ret_problem; replaces what was there. Returns false, so that a check may end with it. */
bool problem_set(struct problem *ret_problem, enum problem_kind kind, const char *format, ...)
        PRINTF_LIKE(3, 4);
bool problem_set_consume(struct problem *ret_problem, enum problem_kind kind, char *message);
static inline bool problem_is_set(const struct problem *p) {
        return p->message != NULL;
}
void problem_clear(struct problem *p);
static inline void problem_freep(struct problem *p) {
        problem_clear(p);
}
/* The JSON body. */
void problem_write(const struct problem *p, struct buf *buf);
