/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the driver over the command line share; nobody else includes it. */
#pragma once
#include "base/buf.h"
#include "base/list.h"
#include "lib/json.h"
#include "sandbox/engine/command_line.h"
#include "sandbox/engine/program.h"

enum dialect { DIALECT_DOCKER, DIALECT_PODMAN, DIALECT_NERDCTL };

struct command_line {
        struct loop *loop;
        enum dialect dialect;
        const char *program; /* within the address */
        char *address;
        struct list attaches; /* of struct command_request, those that wait and those that run */
};

/* A command line that grows; ends with a NULL once there is a word. */
struct words {
        char **list;
        size_t count;
};
void words_add(struct words *w, const char *word);
void words_take(struct words *w, char *word_consume);
#define words_add_all(w, ...) words_add_list((w), (const char *const[]){ __VA_ARGS__, NULL })
void words_add_list(struct words *w, const char *const *list);
void words_clear(struct words *w);

enum command_mode {
        COMMAND_ANSWERS, /* runs, and what it said is translated */
        COMMAND_EVENTS,
        COMMAND_ATTACH,
        COMMAND_START,
};

struct command_request;

/* One request of the Engine API. */
struct command_route {
        enum http_method method;
        const char *before, *after; /* what encloses the name in its path; after NULL: it has none */
        enum command_mode mode;
        nsec_t patience;
        /* Appends the words. 0, or the status it is refused with (then *ret_problem). */
        int (*plan)(struct command_request *r, struct words *words, char **ret_problem);
        /* What the command said as the API says it; NULL: nothing. False: it makes no sense. */
        bool (*answer)(const struct command_request *r, struct buf *json);
};

struct command_request {
        struct command_line *line;
        const struct http_client_ops *ops;
        void *owner;
        const struct command_route *route;
        char *name, *query; /* of its target */
        const void *body;
        size_t len;
        struct program *program;
        int secret_fd;     /* -1: none */
        struct buf output; /* a whole answer, or the line of a stream under way */
        struct buf error;  /* the end of it */
        bool cut;
        bool *freed; /* set while a callback runs that may free it */
        struct defer later;
        int status;                   /* what `later` answers */
        char *problem;                /* and, for a refusal, why */
        struct list link;             /* on line->attaches */
        struct command_request *peer; /* of an attach the start that waits for it, and the other way round */
};

/* command_routes.c: NULL when there is no such request. */
const struct command_route *command_route_find(enum http_method method, const char *target, char **ret_name,
                                               const char **ret_query);
/* A parameter of the request, decoded; NULL. */
char *command_parameter(const struct command_request *r, const char *name);

/* command_create.c: "create" and what follows it, from the body of POST /containers/create. */
int command_plan_create(struct command_request *r, struct words *words, char **ret_problem);

/* command_answers.c */
bool command_answer_version(const struct command_request *r, struct buf *json);
bool command_answer_created(const struct command_request *r, struct buf *json);
bool command_answer_list(const struct command_request *r, struct buf *json);
bool command_answer_inspect(const struct command_request *r, struct buf *json);
bool command_answer_image(const struct command_request *r, struct buf *json);
bool command_answer_network(const struct command_request *r, struct buf *json);
/* One line of events as the API's; what is of no interest appends nothing. *ret_id: of a container that has started (*ret_started) or
 * ended (malloc'ed), NULL. */
void command_translate_event(enum dialect dialect, const char *line, size_t len, struct buf *json,
                             char **ret_id, bool *ret_started);
/* Of what was said, the last line that is not empty; "". Malloc'ed. */
char *command_last_line(const struct buf *said);
/* The same as a sentence, where it is a line of a log. Malloc'ed. */
char *command_why(const struct buf *said);
/* Of a command that says what went wrong and ends as if nothing had. */
bool command_has_logged_an_error(const struct buf *said);
/* The status that the API would have refused with, by the command's words. */
int command_judge(const char *words);
