/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Runtime API as a custom runtime sees it: one blocking keep-alive TCP connection to
 * $AWS_LAMBDA_RUNTIME_API, one request at a time. On the warm path an invocation is four system calls: read
 * the event, write the answer, read its 202, write the next GET.
 *
 * What a reply points to stays valid until the next call. A connection that the other side closed is opened
 * again by the next request; a reply that never came has status 0.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct api {
        struct sockaddr_in address;
        char host[64];
        int fd;
        char *buf;
        size_t cap;
};

struct reply {
        int status;
        const char *head;
        size_t head_len;
        const char *body;
        size_t body_len;
};

/* Takes the address from the environment; dies with a message on stderr when there is none. */
void api_init(struct api *api);
void api_connect(struct api *api);
void api_close(struct api *api);

/* GET …/invocation/next; dies when the connection ends instead, as there is nobody left to work for. */
void api_next(struct api *api, struct reply *ret_event);
/* POST to `path` under /2018-06-01/runtime/; `headers` are whole lines, or "". */
void api_post(struct api *api, const char *path, const char *headers, const char *body, size_t len,
              struct reply *ret_reply);
/* POST …/invocation/<id>/response. */
void api_answer(struct api *api, const char *id, const char *body, size_t len, struct reply *ret_reply);

/* The parts of a request, for bodies that are not sent in one piece. False: the other side has hung up. */
void api_head(const struct api *api, const char *path, const char *headers, char *head, size_t size);
bool api_send(struct api *api, const char *data, size_t len);
void api_receive(struct api *api, struct reply *ret_reply);

/* Copies the value of a header into `value`; false if there is no such header or no room. */
bool reply_header(const struct reply *reply, const char *name, char *value, size_t size);

_Noreturn void die(const char *what);
