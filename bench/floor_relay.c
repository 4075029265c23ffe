/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a warm invocation: the six messages that it takes on TCP, relayed by threads that do nothing else.
 *
 *      client  ── POST invocations ─▶ relay ── 200 with the event ─▶ runtime
 *      client ◀── 200 with the answer ── relay ◀── POST response ── runtime
 *                                        relay ── 202 ─▶ runtime ── GET next ─▶ relay
 *
 * Client and runtime are the very programs that are used against lambent, and the bytes are alike, so that the relay in the
 * middle is the only difference. A thread owns one runtime and serves one client after the other; blocking reads, no table, no
 * parser beyond finding where a message ends. Prints the two ports as JSON, and ends when its stdin does.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

struct relay {
        int client_listener;
        int runtime_listener;
};

static const char event_head[] =
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:bench\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
        "Content-Length: ";
static const char answer_head[] =
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "x-amzn-RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "X-Amz-Executed-Version: $LATEST\r\n"
        "X-Amzn-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
        "Content-Length: ";
static const char ack[] =
        "HTTP/1.1 202 Accepted\r\n"
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
        return send_two(fd, full, head_len + (size_t)(digits + sizeof(digits) - at), message->body, message->body_len);
}

/* Relays for one client until it hangs up; false when the runtime has. */
static bool serve_client(int client, int runtime, struct message *message) {
        while (message_read(message, client)) {
                if (!forward(runtime, event_head, sizeof(event_head) - 1, message) || !message_read(message, runtime))
                        return false;
                if (!forward(client, answer_head, sizeof(answer_head) - 1, message))
                        return false;
                if (!send_two(runtime, ack, sizeof(ack) - 1, NULL, 0) || !message_read(message, runtime))
                        return false;
        }
        return true;
}

static void *relay_thread(void *data) {
        const struct relay *relay = data;
        struct message message = {};
        int runtime = accept4(relay->runtime_listener, NULL, NULL, SOCK_CLOEXEC), client;
        bool more = runtime >= 0 && message_read(&message, runtime);

        while (more) {
                client = accept4(relay->client_listener, NULL, NULL, SOCK_CLOEXEC);
                if (client < 0)
                        die("accept");
                more = serve_client(client, runtime, &message);
                close(client);
        }
        die("a runtime has ended");
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "pairs", required_argument, NULL, 'p' }, {} };
        struct relay relay;
        int pairs = 1, client_port, runtime_port, c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (c != 'p')
                        return 2;
                pairs = atoi(optarg);
        }
        relay.client_listener = listen_on("127.0.0.1:0", &client_port);
        relay.runtime_listener = listen_on("127.0.0.1:0", &runtime_port);
        for (int i = 0; i < pairs; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, relay_thread, &relay))
                        die("cannot start a thread");
        }
        printf("{\"client\":%d,\"runtime\":%d}\n", client_port, runtime_port);
        fflush(stdout);
        while (read(STDIN_FILENO, &(char){ 0 }, 1) > 0)
                ;
        return 0;
}
