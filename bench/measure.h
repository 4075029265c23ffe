/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the benchmark programs share: a clock, durations with their percentiles, "ip:port" sockets, whole HTTP
 * messages on a blocking socket. A benchmark that cannot go on dies with a message: there is nothing to save
 * and nobody to answer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct samples {
        uint64_t *nsec;
        size_t count;
        size_t cap;
};

struct message {
        char *buf;
        size_t cap;
        size_t len;
        /* Valid once message_is_whole() has said yes. */
        char *body;
        size_t body_len;
};

uint64_t now_nsec(void);
_Noreturn void die(const char *what);
void pin_to_cpu(int cpu);

void samples_add(struct samples *samples, uint64_t nsec);
/* Prints `"min_us":…,"p50_us":…,"p90_us":…,"p99_us":…,"max_us":…,"mean_us":…`; sorts the samples. */
void samples_print(struct samples *samples, FILE *out);

/* Listens on, or connects to, "ip:port" (port 0: any). */
int listen_on(const char *where, int *ret_port);
int connect_to(const char *where);

/* Is a whole message (Content-Length, chunked, or no body at all) in the buffer? */
bool message_is_whole(struct message *message);
/* One read() into the message, growing its buffer; what read() returned. */
long message_read_some(struct message *message, int fd);
/* Reads until the message is whole; false at the end of the connection. */
bool message_read(struct message *message, int fd);
/* Sends head and body in as few calls as the socket allows; false when the other side has hung up. */
bool send_two(int fd, const char *head, size_t head_len, const char *body, size_t body_len);
