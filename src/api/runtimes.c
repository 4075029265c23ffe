/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runtimes.h"

#include "api/constraints.h"
#include "base/random.h"
#include "base/sha256.h"
#include "function/function.h"

const char runtimes_creatable[] = "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, "
                                  "nodejs24.x, nodejs22.x, java25, python3.10, python3.11, "
                                  "java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, "
                                  "nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, "
                                  "provided.al2, java8.al2";

const char runtimes_known[] = "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, "
                              "python2.7-greengrass, dotnetcore2.0, python3.8, "
                              "java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, "
                              "dotnetcore3.1, dotnet8, java25, java17, nodejs, "
                              "nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, "
                              "provided.al2023, nodejs22.x, python3.10, java8, "
                              "nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, nodejs14.x, "
                              "nodejs8.9, nodejs26.x, python3.13, python3.14, "
                              "nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, "
                              "python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, "
                              "python2.7";

const char runtimes_newer[] = "nodejs26.x, python3.15, java17.al2023, java11.al2023, java8.al2023, ruby4.0";

static const char blocked[] = "nodejs, nodejs4.3, nodejs4.3-edge, nodejs6.10, nodejs8.10, nodejs10.x, "
                              "nodejs12.x, nodejs14.x, python2.7, python3.6, "
                              "python3.7, java8, dotnetcore1.0, dotnetcore2.0, dotnetcore2.1, dotnetcore3.1, "
                              "ruby2.5, ruby2.7, go1.x, provided";

static const char snap_start[] =
        "java11, java17, java21, java25, java11.al2023, java17.al2023, python3.12, python3.13, python3.14, "
        "dotnet8, dotnet10";

bool runtime_is_creatable(const char *runtime) {
        return words_have(runtimes_creatable, runtime) || words_have(runtimes_newer, runtime);
}

bool runtime_check(const char *runtime, struct problem *ret_problem) {
        if (runtime_is_creatable(runtime))
                return true;
        if (words_have(blocked, runtime))
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "The runtime parameter of %s is no longer supported for creating or updating AWS "
                        "Lambda functions. "
                        "We recommend you use a supported runtime while creating or updating functions.",
                        runtime);
        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum "
                           "value set: [%s] or be a valid "
                           "ARN",
                           runtime, runtimes_creatable);
}

bool runtime_has_snap_start(const char *runtime) {
        return words_have(snap_start, runtime);
}

char *runtime_version_arn(const char *region, const char *runtime) {
        unsigned char digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        struct sha256 ctx;

        sha256_init(&ctx);
        sha256_update(&ctx, runtime, strlen(runtime));
        sha256_final(&ctx, digest);
        hex_encode(digest, sizeof(digest), hex);
        return xasprintf("arn:%s:lambda:%s::runtime:%s", region_partition(region), region, hex);
}
