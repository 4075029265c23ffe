/* SPDX-License-Identifier: Apache-2.0 */
/* code_signing - which code signing configuration a function has */
#pragma once
#include "api/request.h"

/* False: answered. */
bool code_signing_exists(struct api_request *r, const char *arn);
/* The function has this one from now on. 0 or -errno. */
int code_signing_use(struct api_request *r, const struct function *f, const char *arn);
