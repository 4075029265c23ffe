/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the emulator's driver share; nobody else includes it. */
#pragma once
#include "http/client.h"
#include "runtime/scribe.h"
#include "sandbox/engine/guest.h"
#include "sandbox/rie/rie.h"

#define RIE_PATH "/2015-03-31/functions/function/invocations"

enum rie_state {
        RIE_NEW,
        RIE_STARTING, /* the engine makes the container */
        RIE_PROBING,  /* it runs; the emulator does not answer yet */
        RIE_IDLE,
        RIE_CALLING,    /* a request is at the emulator */
        RIE_DOUBTING,   /* it has answered nothing at all: how INIT ended is still to be heard */
        RIE_CONCLUDING, /* its answer is whole; the REPORT is still to come */
        RIE_FAILING,    /* of no use any more: its output is read to the end, then it goes */
        RIE_STOPPING,
        RIE_DEAD
};

/* The emulator's answer while it arrives. */
struct rie_response {
        int status;
        struct buf body; /* what is kept: all of a buffered one */
        bool forward;    /* the rest goes to the caller as it comes */
        bool headed, too_large, paused, whole;
        uint64_t received, unsettled; /* bytes in all; bytes that wait for credit */
};

/* How an invocation ended, when that is told later than it is known. */
struct rie_verdict {
        enum invocation_outcome outcome; /* OUTCOME_OK: there is none */
        char *error_type, *text;
        struct buf payload; /* the error's JSON where it came whole */
};

/* The emulator's words about one invocation, found in its output. */
struct rie_report {
        char id[64];   /* what the emulator calls it; "" before its START */
        bool one_more; /* the START of a first try is still to come */
        bool complete;
        struct scribe_measures measures;
};

/* How the emulator says that INIT has ended, which is before it answers the first call. */
enum rie_init { RIE_INIT_UNTOLD, RIE_INIT_SUCCEEDED, RIE_INIT_FAILED };

struct rie {
        struct loop *loop;
        struct environment *base; /* the scribe's */
        struct container *container;
        enum rie_state state;
        struct timer timer; /* what the state waits for, at most */
        struct timer again; /* the next attempt to reach the emulator */
        struct defer soon;
        struct http_client *client;
        size_t way; /* which address of the container it dials */
        nsec_t ready_time, started, running, pause, deadline;
        enum rie_init init;
        struct buf event, fields;
        struct rie_response response;
        struct rie_verdict verdict;
        struct rie_report report;
        struct buf partial[2]; /* unfinished lines of standard output, standard error */
        bool missing_command, lost;
        bool starved; /* the kernel has killed a process in there for lack of memory */
        bool silent;  /* this emulator prints no REPORT */
        bool called;  /* it has answered a call */
        enum remote_loss loss;
        char *why; /* with lost, or of the failure that ends it */
};

/* rie.c */
void rie_enter(struct rie *r, enum rie_state state);
void rie_give_up(struct rie *r, const char *why); /* RIE_FAILING: kills the container */
void rie_conclude(struct rie *r);                 /* after a good answer: idle */

/* probe.c */
void rie_probe(struct rie *r);
void rie_probe_hears(struct rie *r); /* it has said something: it may listen now */
void rie_probe_again(struct timer *timer);

/* call.c */
void rie_call(struct rie *r);
void rie_call_timed_out(struct rie *r);
void rie_report_came(struct rie *r);
void rie_init_ended(struct rie *r); /* r->init tells how */
void rie_settle(struct rie *r);     /* there will be no REPORT, or it is there */
void rie_answer(struct rie *r);     /* the caller, with a whole response */
void rie_response_clear(struct rie_response *response);
void rie_verdict_clear(struct rie_verdict *verdict);

/* words.c: what the emulator answers, and what of it is a failure */
bool rie_may_be_failure(const char *data, size_t len);
bool rie_is_timeout(const char *data, size_t len);
/* The errorType of a handler's error; NULL: this is none. malloc'ed. */
char *rie_error_type(const char *data, size_t len);
/* The verdict on an answer that is no 200. */
void rie_judge(int status, const char *data, size_t len, struct rie_verdict *ret_verdict);

/* output.c */
void rie_hear(struct rie *r, bool is_error, const char *data, size_t len);
void rie_flush_output(struct rie *r);
