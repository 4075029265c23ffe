/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential - who asks: account and region, read from the SigV4 credential
 *
 * Signatures are not checked: lambent has no secrets to check them with. The account is the access key id
 * where that is 12 digits, the region the second part of the credential's scope (design decision 7: both are
 * in every key, so one lambent holds many accounts and regions apart). Header `Authorization:
 * AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/lambda/aws4_request` or the query's X-Amz-Credential.
 */
#pragma once
#include <stddef.h>

#define CREDENTIAL_ACCOUNT_LEN 12
#define CREDENTIAL_REGION_MAX 64

struct credential {
        char account[CREDENTIAL_ACCOUNT_LEN + 1]; /* "": not said */
        char region[CREDENTIAL_REGION_MAX + 1];   /* "": not said */
};

/* From the value of an Authorization header (NULL: none). */
void credential_from_header(const char *authorization, struct credential *ret_credential);
/* From "KEY/DATE/REGION/SERVICE/aws4_request". */
void credential_from_scope(const char *scope, size_t len, struct credential *ret_credential);
