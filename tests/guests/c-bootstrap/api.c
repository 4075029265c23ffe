/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "text.h"

#define API_PREFIX "/2018-06-01/runtime/"
/* Room for an event of 100 KB with its head, so that one read() takes it whole; larger ones make the buffer
 * grow. */
#define API_BUFFER (256 * 1024)

_Noreturn void die(const char *what) {
        struct iovec parts[] = {
                { (char *)"bootstrap: ", 11 },
                { (char *)what, strlen(what) },
                { (char *)"\n", 1 },
        };

        if (writev(STDERR_FILENO, parts, 3) < 0)
                _exit(71);
        _exit(70);
}

void api_init(struct api *api) {
        const char *where = getenv("AWS_LAMBDA_RUNTIME_API"), *colon;
        char ip[INET_ADDRSTRLEN] = "";

        if (!where || strlen(where) >= sizeof(api->host) || !(colon = strchr(where, ':')))
                die("AWS_LAMBDA_RUNTIME_API is not host:port");
        if ((size_t)(colon - where) >= sizeof(ip))
                die("AWS_LAMBDA_RUNTIME_API is not an IPv4 address");
        strcpy(api->host, where);
        memcpy(ip, where, (size_t)(colon - where));
        api->address.sin_family = AF_INET;
        api->address.sin_port = htons((unsigned short)atoi(colon + 1));
        if (inet_pton(AF_INET, ip, &api->address.sin_addr) != 1)
                die("AWS_LAMBDA_RUNTIME_API is not an IPv4 address");
        api->fd = -1;
        api->cap = API_BUFFER;
        api->buf = malloc(api->cap);
        if (!api->buf)
                die("no memory");
}

void api_connect(struct api *api) {
        int on = 1;

        if (api->fd >= 0)
                return;
        api->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (api->fd < 0 || connect(api->fd, (struct sockaddr *)&api->address, sizeof(api->address)) < 0)
                die("cannot connect to the Runtime API");
        (void)setsockopt(api->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void api_close(struct api *api) {
        if (api->fd >= 0)
                close(api->fd);
        api->fd = -1;
}

static bool send_parts(struct api *api, struct iovec *part, size_t count) {
        while (count) {
                struct msghdr message = { .msg_iov = part, .msg_iovlen = count };
                ssize_t n = sendmsg(api->fd, &message, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                for (; count && (size_t)n >= part->iov_len; part++, count--)
                        n -= (ssize_t)part->iov_len;
                if (count) {
                        part->iov_base = (char *)part->iov_base + n;
                        part->iov_len -= (size_t)n;
                }
        }
        return true;
}

bool api_send(struct api *api, const char *data, size_t len) {
        struct iovec part = { (char *)data, len };

        api_connect(api);
        return send_parts(api, &part, 1);
}

bool reply_header(const struct reply *reply, const char *name, char *value, size_t size) {
        size_t name_len = strlen(name);
        const char *line = reply->head, *end = reply->head + reply->head_len;

        while (line < end) {
                const char *stop = memchr(line, '\r', (size_t)(end - line));
                const char *at = line + name_len + 1;

                if (!stop)
                        return false;
                if (at <= stop && at[-1] == ':' && !strncasecmp(line, name, name_len)) {
                        while (at < stop && *at == ' ')
                                at++;
                        if ((size_t)(stop - at) >= size)
                                return false;
                        memcpy(value, at, (size_t)(stop - at));
                        value[stop - at] = '\0';
                        return true;
                }
                line = stop + 2;
        }
        return false;
}

static void api_grow(struct api *api, size_t size) {
        if (size <= api->cap)
                return;
        api->buf = realloc(api->buf, size);
        if (!api->buf)
                die("no memory");
        api->cap = size;
}

/* Reads until there are `want` bytes, or, with want 0, a whole head. Returns how many there are; 0 at the end
 * of the connection. */
static size_t receive_until(struct api *api, size_t used, size_t want) {
        for (;;) {
                ssize_t n;

                if (want ? used >= want : used && memmem(api->buf, used, "\r\n\r\n", 4))
                        return used;
                api_grow(api, want);
                if (used == api->cap)
                        die("the head of a reply does not end");
                n = read(api->fd, api->buf + used, api->cap - used);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return 0;
                used += (size_t)n;
        }
}

void api_receive(struct api *api, struct reply *ret_reply) {
        size_t used = receive_until(api, 0, 0), head_len, body_len;
        char value[24];

        *ret_reply = (struct reply){};
        if (used < 12) {
                api_close(api);
                return;
        }
        head_len = (size_t)((char *)memmem(api->buf, used, "\r\n\r\n", 4) - api->buf) + 4;
        ret_reply->head = api->buf;
        ret_reply->head_len = head_len - 2;
        if (!reply_header(ret_reply, "Content-Length", value, sizeof(value)))
                die("a reply without Content-Length");
        body_len = strtoull(value, NULL, 10);
        if (receive_until(api, used, head_len + body_len) == 0) {
                api_close(api);
                return;
        }
        ret_reply->status = atoi(api->buf + 9);
        ret_reply->head = api->buf;
        ret_reply->body = api->buf + head_len;
        ret_reply->body_len = body_len;
        if (reply_header(ret_reply, "Connection", value, sizeof(value)) && !strcasecmp(value, "close"))
                api_close(api);
}

void api_next(struct api *api, struct reply *ret_event) {
        char head[160], *at = head;

        at = stpcpy(at, "GET " API_PREFIX "invocation/next HTTP/1.1\r\nHost: ");
        at = stpcpy(stpcpy(at, api->host), "\r\n\r\n");
        if (api_send(api, head, (size_t)(at - head)))
                api_receive(api, ret_event);
        else
                ret_event->status = 0;
        if (ret_event->status == 0)
                die("the Runtime API has hung up");
        if (ret_event->status != 200)
                die("next did not answer 200");
}

void api_head(const struct api *api, const char *path, const char *headers, char *head, size_t size) {
        char *at;

        if (strlen(path) + strlen(headers) + 160 > size)
                die("a request's head is too long");
        at = stpcpy(stpcpy(head, "POST " API_PREFIX), path);
        at = stpcpy(stpcpy(stpcpy(at, " HTTP/1.1\r\nHost: "), api->host), "\r\n");
        stpcpy(stpcpy(at, headers), "\r\n");
}

void api_post(struct api *api, const char *path, const char *headers, const char *body, size_t len,
              struct reply *ret_reply) {
        char head[1024], lines[768], *at = lines;
        struct iovec parts[2];

        if (strlen(headers) > sizeof(lines) - 64)
                die("a request's head is too long");
        at = put_num(stpcpy(at, "Content-Length: "), len);
        stpcpy(stpcpy(at, "\r\n"), headers);
        api_head(api, path, lines, head, sizeof(head));
        api_connect(api);
        parts[0] = (struct iovec){ head, strlen(head) };
        parts[1] = (struct iovec){ (char *)body, len };
        /* A peer that refuses a large body early may close before it has read all of it; its reply is there
         * all the same. */
        (void)send_parts(api, parts, len ? 2 : 1);
        api_receive(api, ret_reply);
}

void api_answer(struct api *api, const char *id, const char *body, size_t len, struct reply *ret_reply) {
        char path[128], *at = path;

        at = stpcpy(at, "invocation/");
        stpcpy(stpcpy(at, id), "/response");
        api_post(api, path, "Content-Type: application/json\r\n", body, len, ret_reply);
}
