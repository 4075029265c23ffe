/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload - a ZipFile on its way from the client into the content store
 *
 * The Base64 text is decoded as it arrives; the store hashes and writes behind. When the operation has
 * checked everything else it calls api_upload_finish: the zip gets its digest, is unpacked (which proves that
 * it is one), and ready() is called. All that can be wrong with a zip is answered here. Until the upload is
 * freed its digest counts as in use, so that a function made of it never finds it swept away. A package that comes from
 * S3 (code_source.h) takes the same way, without Base64 and with another limit.
 */
#pragma once
#include "api/request.h"

struct api_upload;

#define ZIP_SIZE_MAX 52428800 /* docs/aws.md, limits */
#define UNZIPPED_SIZE_MAX 262144000
#define UNZIPPED_ENTRIES_MAX 1000000

struct api_upload *api_upload_new(struct api_request *r);
void api_upload_free(struct api_upload *u); /* NULL is legal */
/* Of a package that is fetched: as large as what it may hold; resume: the sender may go on. */
struct api_upload *api_upload_new_fetched(struct api_request *r, void (*resume)(struct api_request *r));
/* Whether one of that many bytes may come (-1: nobody has said how many). False: it has been answered. */
bool api_upload_may_fetch(struct api_request *r, int64_t len);
/* Forgets what has come: the sender begins anew. */
void api_upload_restart(struct api_upload *u);
/* Takes bytes. False: they are not wanted any more, and api_upload_finish says why. */
bool api_upload_write_bytes(struct api_upload *u, const void *data, size_t len);
/* Takes a piece of the text. What is wrong with it is remembered for api_upload_finish. */
void api_upload_write(struct api_upload *u, const char *base64, size_t len);
/* Pause the sender when true; it is resumed by itself. */
bool api_upload_is_behind(const struct api_upload *u);
/* Calls ready(r) some turns later, or answers the request with what is wrong. */
void api_upload_finish(struct api_upload *u, void (*ready)(struct api_request *r));

/* Once ready. */
void api_upload_apply(const struct api_upload *u, struct version_config *c); /* digest and sizes */
const char *api_upload_sha256(const struct api_upload *u);                   /* hex */
uint64_t api_upload_size(const struct api_upload *u);
uint64_t api_upload_unzipped(const struct api_upload *u);
