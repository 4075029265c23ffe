/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime_image.h"

static const struct {
        const char *runtime, *image;
} table[] = {
        { "nodejs26.x", "nodejs:26-preview" },
        { "nodejs24.x", "nodejs:24" },
        { "nodejs22.x", "nodejs:22" },
        { "nodejs20.x", "nodejs:20" },
        { "nodejs18.x", "nodejs:18" },
        { "nodejs16.x", "nodejs:16" },
        { "nodejs14.x", "nodejs:14" },
        { "nodejs12.x", "nodejs:12" },
        { "nodejs10.x", "nodejs:10" },
        { "python3.15", "python:3.15-preview" },
        { "python3.14", "python:3.14" },
        { "python3.13", "python:3.13" },
        { "python3.12", "python:3.12" },
        { "python3.11", "python:3.11" },
        { "python3.10", "python:3.10" },
        { "python3.9", "python:3.9" },
        { "python3.8", "python:3.8" },
        { "python3.7", "python:3.7" },
        { "python3.6", "python:3.6" },
        { "python2.7", "python:2.7" },
        { "java25", "java:25" },
        { "java21", "java:21" },
        { "java17.al2023", "java:17.al2023" },
        { "java17", "java:17" },
        { "java11.al2023", "java:11.al2023" },
        { "java11", "java:11" },
        { "java8.al2023", "java:8.al2023" },
        { "java8.al2", "java:8.al2" },
        { "java8", "java:8" },
        { "dotnet10", "dotnet:10" },
        { "dotnet8", "dotnet:8" },
        { "dotnet6", "dotnet:6" },
        { "dotnetcore3.1", "dotnet:core3.1" },
        { "dotnetcore2.1", "dotnet:core2.1" },
        { "ruby4.0", "ruby:4.0" },
        { "ruby3.4", "ruby:3.4" },
        { "ruby3.3", "ruby:3.3" },
        { "ruby3.2", "ruby:3.2" },
        { "ruby2.7", "ruby:2.7" },
        { "ruby2.5", "ruby:2.5" },
        { "provided.al2023", "provided:al2023" },
        { "provided.al2", "provided:al2" },
        { "provided", "provided:alami" },
        { "go1.x", "go:1" },
};

char *runtime_image(const char *runtime, const char *mirror) {
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                if (streq(table[i].runtime, runtime))
                        return xasprintf("%s/%s", mirror && *mirror ? mirror : RUNTIME_IMAGES_AT,
                                         table[i].image);
        return NULL;
}
