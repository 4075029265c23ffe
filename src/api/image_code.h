/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_code - functions of package type Image: what a request says of an image, and which image that is now
 *
 * What api_upload is for a ZipFile, api_image is for an ImageUri: once the operation has checked everything else it
 * calls api_image_find, which asks the engine's source of images (function/images.h) and then calls ready(), or
 * answers the request with what is wrong.
 */
#pragma once
#include "api/request.h"

struct api_image;

/* The second pass of CreateFunction with PackageType Image, without ImageConfig. */
bool image_creation_check(const struct api_request *r, struct problem *ret_problem);
/* What ImageConfig says replaces what was there; changed by UpdateFunctionConfiguration too. False also for
 * members that do not fit the package type. */
bool image_config_apply(const json_t *body, struct version_config *c, struct problem *ret_problem);

/* c: where the URI and the architecture are. */
void api_image_find(struct api_request *r, const struct version_config *c,
                    void (*ready)(struct api_request *r));
void api_image_free(struct api_image *image); /* NULL is legal */
/* Once ready: what api_image_find was asked for, and the digest. */
void api_image_apply(const struct api_image *image, struct version_config *c);

/* The member Code of GetFunction. */
struct json_writer;
void image_code_write(struct json_writer *w, const struct version_config *c);
