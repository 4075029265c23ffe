/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a warm invocation: the six messages that it takes on TCP, relayed by a program that does
 * nothing else.
 *
 *      client  ── POST invocations ─▶ relay ── 200 with the event ─▶ runtime
 *      client ◀── 200 with the answer ── relay ◀── POST response ── runtime
 *                                        relay ── 202 ─▶ runtime ── GET next ─▶ relay
 *
 * Client and runtime are the very programs that are used against lambent, and the bytes are alike, so that
 * the relay in the middle is the only difference: no table, no parser beyond finding where a message ends.
 * With one pair of client and runtime it blocks in read(), the least that latency can cost; with more, one
 * thread waits for all in epoll, the least that processor time can cost. Prints the ports for clients and
 * runtimes as JSON, and dies with its parent.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

struct pair;

struct side {
        struct pair *pair;
        struct message message;
        int fd;
};

struct pair {
        struct side client;
        struct side runtime;
        /* The runtime has asked for work; an event that comes earlier stays in the client's message. */
        bool idle;
};

static const char event_head[] =
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:bench\r\n"
        "Lambda-Runtime-Trace-Id: "
        "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
        "Content-Length: ";
static const char answer_head[] =
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "x-amzn-RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "X-Amz-Executed-Version: $LATEST\r\n"
        "X-Amzn-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
        "Content-Length: ";
static const char ack[] = "HTTP/1.1 202 Accepted\r\n"
                          "Content-Type: application/json\r\n"
                          "Content-Length: 16\r\n"
                          "\r\n"
                          "{\"status\":\"OK\"}\n";

static bool forward(int fd, const char *head, size_t head_len, const struct message *message) {
        char full[1024], digits[24], *at = digits + sizeof(digits);
        size_t n = message->body_len;

        at -= 4;
        memcpy(at, "\r\n\r\n", 4);
        do
                *--at = (char)('0' + n % 10);
        while (n /= 10);
        memcpy(full, head, head_len);
        memcpy(full + head_len, at, (size_t)(digits + sizeof(digits) - at));
        return send_two(fd, full, head_len + (size_t)(digits + sizeof(digits) - at), message->body,
                        message->body_len);
}

static int accept_one(int listener) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
                die("accept");
        return fd;
}

/* Relays for one client until it hangs up; false when the runtime has. */
static bool serve_client(int client, int runtime, struct message *message) {
        while (message_read(message, client)) {
                if (!forward(runtime, event_head, sizeof(event_head) - 1, message) ||
                    !message_read(message, runtime))
                        return false;
                if (!forward(client, answer_head, sizeof(answer_head) - 1, message))
                        return false;
                if (!send_two(runtime, ack, sizeof(ack) - 1, NULL, 0) || !message_read(message, runtime))
                        return false;
        }
        return true;
}

static void relay_one(int client_listener, int runtime_listener) {
        struct message message = {};
        int runtime = accept_one(runtime_listener);
        bool more = message_read(&message, runtime);

        while (more) {
                int client = accept_one(client_listener);

                more = serve_client(client, runtime, &message);
                close(client);
        }
        die("the runtime has ended");
}

static void on_event(struct pair *pair) {
        if (!forward(pair->runtime.fd, event_head, sizeof(event_head) - 1, &pair->client.message))
                die("a runtime has ended");
        pair->client.message.len = 0;
        pair->idle = false;
}

static void on_client(struct pair *pair) {
        struct side *client = &pair->client;

        if (message_read_some(&client->message, client->fd) <= 0) {
                close(client->fd);
                client->fd = -1;
                client->message.len = 0;
        } else if (message_is_whole(&client->message) && pair->idle) {
                on_event(pair);
        }
}

static void on_runtime(struct pair *pair) {
        struct side *runtime = &pair->runtime;
        bool asks;

        if (message_read_some(&runtime->message, runtime->fd) <= 0)
                die("a runtime has ended");
        if (!message_is_whole(&runtime->message))
                return;
        asks = runtime->message.buf[0] == 'G';
        if (!asks && (!forward(pair->client.fd, answer_head, sizeof(answer_head) - 1, &runtime->message) ||
                      !send_two(runtime->fd, ack, sizeof(ack) - 1, NULL, 0)))
                die("a peer has ended");
        runtime->message.len = 0;
        pair->idle = asks;
        if (asks && pair->client.message.len && message_is_whole(&pair->client.message))
                on_event(pair);
}

static void watch(int epoll, int fd, void *owner) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = owner };

        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
                die("epoll_ctl");
}

/* Every client gets a runtime that has no other. */
static void on_new_client(int epoll, int listener, struct pair *pairs, int count) {
        int fd = accept_one(listener);

        for (int i = 0; i < count; i++) {
                if (pairs[i].client.fd < 0) {
                        pairs[i].client.fd = fd;
                        watch(epoll, fd, &pairs[i].client);
                        return;
                }
        }
        die("more clients than runtimes");
}

static void relay_many(int client_listener, int runtime_listener, int count) {
        struct pair *pairs = calloc((size_t)count, sizeof(*pairs));
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event events[64];

        if (!pairs)
                die("no memory");
        for (int i = 0; i < count; i++) {
                pairs[i].client = (struct side){ .pair = &pairs[i], .fd = -1 };
                pairs[i].runtime = (struct side){ .pair = &pairs[i], .fd = accept_one(runtime_listener) };
                watch(epoll, pairs[i].runtime.fd, &pairs[i].runtime);
        }
        watch(epoll, client_listener, NULL);
        for (;;) {
                int n = epoll_wait(epoll, events, 64, -1);

                for (int i = 0; i < n; i++) {
                        struct side *side = events[i].data.ptr;

                        if (!side)
                                on_new_client(epoll, client_listener, pairs, count);
                        else if (side == &side->pair->client)
                                on_client(side->pair);
                        else
                                on_runtime(side->pair);
                }
        }
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "pairs", required_argument, NULL, 'p' }, {} };
        int pairs = 1, client_listener, runtime_listener, client_port, runtime_port, c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (c != 'p')
                        return 2;
                pairs = atoi(optarg);
        }
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        client_listener = listen_on("127.0.0.1:0", &client_port);
        runtime_listener = listen_on("127.0.0.1:0", &runtime_port);
        printf("{\"client\":%d,\"runtime\":%d}\n", client_port, runtime_port);
        fflush(stdout);
        if (pairs == 1)
                relay_one(client_listener, runtime_listener);
        else
                relay_many(client_listener, runtime_listener, pairs);
        return 0;
}
