/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code_source - where the package of a function or layer comes from: a ZipFile in the request, or an object of S3
 *
 * The object flows from S3 into the content store as a ZipFile does (upload.h), no faster than the disk takes it; a
 * missing one is an error of the call, in AWS's words. One that is to be referenced (S3ObjectStorageMode REFERENCE) comes
 * in the same way, and it is remembered which version of it came: the one that is named, or the newest. S3 is who api_options.s3_endpoint says, asked with path-style
 * URLs because whoever stands for S3 has one name only; without that AWS's own of the request's region, if there are
 * credentials. When the client goes away the fetch ends and nothing stays.
 */
#pragma once
#include "api/request.h"

struct api_fetch;

/* source: what may hold ZipFile, S3Bucket…; the second pass of an operation. missing: what to say when nothing is there. */
bool code_source_check(const struct api_request *r, const json_t *source, const char *missing,
                       struct problem *ret_problem);
/* Of a checked one: calls ready(r) with r->upload some turns later, or answers the request. */
void code_source_take(struct api_request *r, const json_t *source, void (*ready)(struct api_request *r));
/* Once ready: digest, sizes, and which object it is. */
void code_source_apply(const struct api_request *r, struct version_config *c);
/* Once ready: s3_object_json of function.h; malloc'ed. NULL: a copy. */
char *code_source_reference(const struct api_request *r);
void api_fetch_free(struct api_fetch *f); /* NULL is legal */
