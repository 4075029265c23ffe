/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject_document - what a function's qualifier has one of, as it is shown: a URL, a configuration of asynchronous calls
 *
 * The operations that show it, delete it and list a function's are the same for every kind but for their words.
 */
#pragma once
#include "api/request.h"
#include "function/document.h"

struct subject_kind {
        enum document_kind kind;
        const char *listed; /* the member of the list's answer */
        /* How it is said that the qualifier has none, and that there is no function to list. */
        void (*fail_absent)(struct api_request *r, const struct subject *s);
        void (*fail_no_function)(struct api_request *r);
};

struct document_name subject_document(const struct subject_kind *k, const struct subject *s);
/* 0 and a new reference, DOCUMENT_ABSENT (also of what does not exist), -errno. */
int subject_document_get(struct api_request *r, const struct subject_kind *k, const struct subject *s,
                         json_t **ret_document);
/* The one that the request is about. False: answered. */
bool subject_document_read(struct api_request *r, const struct subject_kind *k, struct subject *ret_subject,
                           json_t **ret_document);
/* Whole operations. */
void subject_document_show(struct api_request *r, const struct subject_kind *k);
void subject_document_delete(struct api_request *r, const struct subject_kind *k);
void subject_document_list(struct api_request *r, const struct subject_kind *k);
