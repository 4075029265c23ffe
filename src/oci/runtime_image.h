/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_image - which of AWS's images a runtime identifier runs on (docs/aws.md, runtimes)
 *
 * Complete: also identifiers that AWS no longer lets one create, for functions that exist. The oldest
 * (nodejs8.10 and before, dotnetcore1.0 and 2.0) never had an image.
 */
#pragma once
#include "base/util.h"

#define RUNTIME_IMAGES_AT "public.ecr.aws/lambda"

/* "python3.13" is "public.ecr.aws/lambda/python:3.13"; with a mirror ("registry.local/aws") "registry.local/aws/python:3.13".
 * malloc'ed; NULL: there is no image for it. */
char *runtime_image(const char *runtime, const char *mirror);
