/* SPDX-License-Identifier: Apache-2.0 */
/* tls_private - libcurl as it was found; for tls.c only. Any thread may load it. */
#pragma once
#include <curl/curl.h>

#include "base/util.h"

struct libcurl {
        CURLcode (*global_init)(long flags);
        curl_version_info_data *(*version_info)(CURLversion age);
        CURL *(*easy_init)(void);
        CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
        CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
        CURLcode (*easy_recv)(CURL *easy, void *room, size_t len, size_t *ret_n);
        CURLcode (*easy_send)(CURL *easy, const void *data, size_t len, size_t *ret_n);
        const char *(*easy_strerror)(CURLcode code);
        void (*easy_cleanup)(CURL *easy);
        CURLM *(*multi_init)(void);
        CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
        CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
        CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
        CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events, int *ret_running);
        CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *owner);
        CURLMsg *(*multi_info_read)(CURLM *multi, int *ret_left);
        CURLMcode (*multi_cleanup)(CURLM *multi);
        /* A folder where each trusted certificate is found by its hash; NULL: libcurl's own choice, mostly one large file, which
         * takes 15 ms to read for each connection. */
        const char *trusted_dir;
};

/* May take milliseconds: for the worker thread. NULL with a sentence, which is the same for ever. */
const struct libcurl *libcurl_load(const char **ret_problem);
