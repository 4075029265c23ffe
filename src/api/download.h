/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download - the Location of a package: where a client fetches what it once uploaded
 *
 * As AWS's presigned URLs: anybody who has it may use it, for ten minutes. The token is a keyed hash of
 * digest and expiry, so nothing is kept and a restart makes old Locations void.
 */
#pragma once
#include "api/request.h"

/* malloc'ed. */
char *api_download_location(const struct api_request *r, const char *sha256);
