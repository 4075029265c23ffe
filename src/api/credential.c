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

static void copy_part(char ret_part[static CREDENTIAL_PART_MAX + 1], const char *s, size_t len) {
        if (len > CREDENTIAL_PART_MAX)
                return;
        memcpy(ret_part, s, len);
        ret_part[len] = '\0';
}

void credential_from_scope(const char *scope, size_t len, struct credential *ret_credential) {
        const char *part[5] = {}, *end = scope + len, *s = scope;
        size_t lens[5] = {}, count = 0;

        *ret_credential = (struct credential){};
        while (count < ARRAY_SIZE(part)) {
                const char *slash = memchr(s, '/', (size_t)(end - s));

                part[count] = s;
                lens[count++] = (size_t)((slash ? slash : end) - s);
                if (!slash)
                        break;
                s = slash + 1;
        }
        if (count < 2)
                return;
        if (lens[0] == CREDENTIAL_ACCOUNT_LEN && is_digits(part[0], CREDENTIAL_ACCOUNT_LEN))
                memcpy(ret_credential->account, part[0], CREDENTIAL_ACCOUNT_LEN);
        copy_part(ret_credential->key, part[0], lens[0]);
        copy_part(ret_credential->date, part[1], lens[1]);
        if (count > 3 && is_region(part[2], lens[2]))
                memcpy(ret_credential->region, part[2], lens[2]);
        copy_part(ret_credential->service, part[3] ? part[3] : "", lens[3]);
        copy_part(ret_credential->end, part[4] ? part[4] : "", lens[4]);
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
