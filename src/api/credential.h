/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential - who asks whom: key, account, region and service, read from the SigV4 credential
 *
 * This is what the request says of itself; signature.h checks it, if that was asked for. The account is the access key
 * id where that is 12 digits, the region and the service are parts of the credential's scope (design decision 7: account
 * and region are in every key, so one lambent holds many apart). Header `Authorization: AWS4-HMAC-SHA256
 * Credential=KEY/DATE/REGION/SERVICE/aws4_request` or the query's X-Amz-Credential.
 */
#pragma once
#include <stddef.h>

#define CREDENTIAL_ACCOUNT_LEN 12
#define CREDENTIAL_REGION_MAX 64
#define CREDENTIAL_PART_MAX 128

struct credential {
        char account[CREDENTIAL_ACCOUNT_LEN + 1]; /* "": not said */
        char region[CREDENTIAL_REGION_MAX + 1];   /* "": not said */
        char key[CREDENTIAL_PART_MAX + 1];
        char date[CREDENTIAL_PART_MAX + 1], service[CREDENTIAL_PART_MAX + 1], end[CREDENTIAL_PART_MAX + 1];
};

/* From the value of an Authorization header (NULL: none). */
void credential_from_header(const char *authorization, struct credential *ret_credential);
/* From "KEY/DATE/REGION/SERVICE/aws4_request"; what is missing or too long is "". */
void credential_from_scope(const char *scope, size_t len, struct credential *ret_credential);
