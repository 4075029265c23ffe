/* SPDX-License-Identifier: Apache-2.0 */
/* view - functions and versions as the API shows them (docs/aws.md, functions) */
#pragma once
#include "base/json.h"
#include "function/function.h"

/* VIEW_LISTED leaves out what lists leave out: states and the runtime's version. */
enum view_kind { VIEW_WHOLE, VIEW_LISTED };

/* name: of the member, NULL for the outermost value. qualifier: what the ARN shows, NULL for an unqualified
 * one. */
void view_version(struct json_writer *w, const char *name, const struct version *v, const char *qualifier,
                  enum view_kind kind);
/* 2026-01-05T10:00:00.000+0000 */
void view_time(nsec_t wall, char ret_text[static 32]);
/* CodeSha256 of a version: Base64 of a zip's digest, hex of an image's. */
void view_code_sha256(const struct version_config *c, char ret_text[static SHA256_HEX_LEN + 1]);
/* 2026-01-05T10:00:00.000Z */
void view_zulu(nsec_t wall, char ret_text[static 32]);
/* Seconds since 1970, to the millisecond, as models of AWS have timestamps. */
double view_epoch(nsec_t wall);
/* Base64 of the digest whose hex this is. */
void view_sha256(const char *hex, char ret_base64[static 48]);
