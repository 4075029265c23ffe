/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential.h"

#include "base/util.h"

static bool is_digits(const char *s, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return true;
}

static bool is_region(const char *s, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
                        return false;
        return len > 0 && len <= CREDENTIAL_REGION_MAX;
}

void credential_from_scope(const char *scope, size_t len, struct credential *ret_credential) {
        const char *end = scope + len, *key_end, *region, *region_end;

        *ret_credential = (struct credential){};
        key_end = memchr(scope, '/', len);
        if (!key_end)
                return;
        if (key_end - scope == CREDENTIAL_ACCOUNT_LEN && is_digits(scope, CREDENTIAL_ACCOUNT_LEN))
                memcpy(ret_credential->account, scope, CREDENTIAL_ACCOUNT_LEN);
        region = memchr(key_end + 1, '/', (size_t)(end - key_end - 1));
        if (!region)
                return;
        region++;
        region_end = memchr(region, '/', (size_t)(end - region));
        if (region_end && is_region(region, (size_t)(region_end - region)))
                memcpy(ret_credential->region, region, (size_t)(region_end - region));
}

void credential_from_header(const char *authorization, struct credential *ret_credential) {
        const char *scope = authorization ? strstr(authorization, "Credential=") : NULL;

        if (!scope) {
                *ret_credential = (struct credential){};
                return;
        }
        scope += strlen("Credential=");
        credential_from_scope(scope, strcspn(scope, ", "), ret_credential);
}
