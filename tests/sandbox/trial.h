/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial - a native sandbox and one environment of it, driven the way a supervisor would, for the real-sandbox tests
 *
 * The folder of the trial holds data/ (ours to hide), data/state/, task/ with the guest, and is removed at the end.
 */
#pragma once
#include "sandbox/native/native.h"

#define TRIAL_EXITS 16

struct trial_exit {
        enum process_kind kind;
        enum place_end end;
        int detail;
};

struct trial {
        char folder[64], task[96], state[96];
        struct loop *loop;
        struct native *native;
        struct native_options options;
};

struct guest {
        struct trial *trial;
        struct place *place;
        char api_address[32];
        char output[64 * 1024];
        size_t output_len;
        struct trial_exit exits[TRIAL_EXITS];
        size_t exit_count, output_at_exit;
        int api_fd;
        int emptied;
        bool opened, lost;
        char why[256];
};

/* 0, or a negative errno: the tier does not hold here, or not the one asked for; trial_close in any case. */
int trial_open(struct trial *trial, enum native_tier tier, const struct native_options *options);
void trial_close(struct trial *trial);
/* The sandbox alone goes; the folder stays for a look. */
void trial_end_native(struct trial *trial);

/* Opens an environment of 128 MB and waits for it. */
void guest_open(struct trial *trial, struct guest *guest, const struct native_place_spec *spec);
void guest_close(struct guest *guest);
/* Starts the guest program; word and arg as in guest.c. */
void guest_start(struct guest *guest, enum process_kind kind, const char *word, const char *arg);
/* Turns the loop until the claim holds or ten seconds have passed (then the test fails). */
#define trial_until(trial, claim)                                                                                 \
        do {                                                                                                      \
                nsec_t end_ = loop_now((trial)->loop) + 10 * SECOND;                                              \
                while (!(claim)) {                                                                                \
                        assert_int_equal(loop_turn((trial)->loop, SECOND), 0);                                    \
                        assert_true(loop_now((trial)->loop) < end_);                                              \
                }                                                                                                 \
        } while (0)
/* Runs one word to its end; the output is the answer. */
const char *guest_run(struct guest *guest, const char *word, const char *arg);
/* A fresh output. */
void guest_clear(struct guest *guest);

/* What may not change over the life of a sandbox. */
struct traces {
        size_t processes, mounts, cgroups, files;
};
struct traces traces_count(const struct trial *trial);
