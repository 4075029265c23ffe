/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_line - an engine that is reached by its command: podman without its service, docker, nerdctl, finch
 *
 * It answers those requests of the Engine API that lambent makes: each becomes one run of the command (an array of words, no
 * shell), and what that says becomes the answer the API would have given. Two are different. An attach waits for the
 * start of its container, and both are one command ("start --attach"), whose standard streams are the container's; it has
 * started when it says something, when the events say so, or when its init has come. And events are a command that runs
 * until it is given up.
 *
 * What stands in a container's environment is never on a command line: it goes through a file without a name. A request
 * that is given up takes its command with it. The callbacks are those of http/client.h and never come from inside. Loop
 * thread only.
 */
#pragma once
#include "http/client.h"

struct command_line;
struct command_request;

/* address: "podman-command:PROGRAM", "docker-command:PROGRAM" (and who is like it), "nerdctl-command:PROGRAM". */
bool command_line_is(const char *address);
struct command_line *command_line_new(struct loop *loop, const char *address);
void command_line_free(struct command_line *cl); /* requests must be gone; NULL is legal */

/* body: borrowed until the end. */
struct command_request *command_request_new(struct command_line *cl, enum http_method method,
                                            const char *target, const void *body, size_t len,
                                            const struct http_client_ops *ops, void *owner);
void command_request_free(struct command_request *r); /* NULL is legal */
/* Bytes for an attached container: 0, -ENOTCONN, -E2BIG. */
int command_request_send(struct command_request *r, const void *data, size_t len);
/* The start of a container is known from elsewhere: it need not be heard of any more. */
void command_request_has_happened(struct command_request *r);
/* The least time that a command for this needs to be given, as it shows no progress; 0: it is as quick as a call. */
nsec_t command_line_patience(enum http_method method, const char *target);
