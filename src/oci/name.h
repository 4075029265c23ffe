/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name - what a container image is called: [REGISTRY/]REPOSITORY[:TAG][@sha256:DIGEST]
 *
 * The grammar is that of Docker and Podman. The first part names a registry when it could be a host: it has a
 * dot or a port, or is "localhost"; else the image is one of the engine's default registry or of nobody's but this
 * machine. A digest decides what is meant; a tag beside it is for the reader.
 */
#pragma once
#include "base/sha256.h"
#include "base/util.h"

#define IMAGE_NAME_MAX 1024 /* bytes of the whole text */

struct image_name {
        char *registry;   /* "public.ecr.aws", "localhost:5000"; NULL: none is named */
        char *repository; /* "lambda/python" */
        char *tag;        /* NULL: none was given, which means "latest" unless there is a digest */
        char *sha256;     /* hex; NULL */
};

/* 0, or -EINVAL: no image can be called that (then *ret_name is cleared). */
int image_name_parse(const char *text, struct image_name *ret_name);
void image_name_clear(struct image_name *name); /* legal on a zeroed one */
static inline void image_name_freep(struct image_name *name) {
        image_name_clear(name);
}
/* "REGISTRY/REPOSITORY@sha256:…"; malloc'ed. */
char *image_name_pinned(const struct image_name *name, const char *sha256);
/* "REGISTRY/REPOSITORY:TAG" with the tag that is meant; malloc'ed. */
char *image_name_tagged(const struct image_name *name);
/* "REGISTRY/REPOSITORY"; malloc'ed. */
char *image_name_repository(const struct image_name *name);
/* Whether both are of one repository, whatever their tags and digests: an engine calls what was named "app" also
 * "docker.io/library/app", or (Podman, of what was made here) "localhost/app". */
bool image_name_same_repository(const struct image_name *a, const struct image_name *b);
/* Whether the registry is a private one of AWS: ACCOUNT.dkr.ecr.REGION.amazonaws.com, or .com.cn. */
bool image_name_is_private_ecr(const struct image_name *name);
