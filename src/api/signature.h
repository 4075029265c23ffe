/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature - whether a request was signed by who it says (--verify-signatures)
 *
 * What the head tells is judged before anything else is done with a request: who signed, for when and whom, and the
 * signature itself where the digest of the body is known by then. The body is hashed while it flows to whoever reads it
 * (signature_watch), and judged before the operation runs. Requests through an environment's own listener carry no
 * secret that could be checked and are known by the listener; lambent's own paths are not AWS's. Both pass.
 *
 * The file of credentials has a line "ID SECRET" for each key; '#' begins a comment.
 */
#pragma once
#include "api/credential.h"
#include "api/request.h"

struct keys;
struct signature;

/* 0, or -errno with a sentence. */
int keys_read(const char *path, struct keys **ret_keys, char **ret_problem);
void keys_free(struct keys *keys);
DEFINE_FREEP(keys)

/* False: answered. */
bool signature_begin(struct api_request *r, const struct credential *credential);
/* Once the request has its ops and its sink: puts the judgement of the body before its end. */
void signature_watch(struct api_request *r);
/* The body is still to be judged: whoever has some of it by then must be able to do without. */
bool signature_awaits_body(const struct api_request *r);
void signature_free(struct signature *s);
