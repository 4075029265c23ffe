/* SPDX-License-Identifier: Apache-2.0 */
#include "api/operations.h"

void api_health(struct api_request *r) {
        static const char body[] = "{\"status\":\"ok\"}";

        api_reply(r, 200, "application/json", NULL, body, strlen(body));
}
