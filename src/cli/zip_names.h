/* SPDX-License-Identifier: Apache-2.0 */
/* zip_names - the names of the files at the top of a zip, from its central directory (APPNOTE.TXT 4.3.12). */
#pragma once
#include "cli/option.h"

/* 0, or -EBADMSG for bytes that are no zip. */
int zip_names(const char *data, size_t len, struct strings *ret_names);
