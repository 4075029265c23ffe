/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial - a native sandbox and one environment of it, driven the way a supervisor would, for the real-sandbox
 * tests
 *
 * The folder of the trial holds data/ (ours to hide), data/state/, task/ with the guest, and is removed at
 * the end.
 */
#pragma once
#include "sandbox/native/family.h"
#include "sandbox/native/native.h"

#define TRIAL_EXITS 16

struct trial_exit {
        unsigned process;
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

/* Whom trial_open becomes once the launcher is started, as a daemon does that root has started; 0: nobody else. */
extern uid_t trial_user;
/* 0, or a negative errno: the tier does not hold here, or not the one asked for; trial_close in any case. */
int trial_open(struct trial *trial, enum native_tier tier, const struct native_options *options);
void trial_close(struct trial *trial);
/* The processes that keep privileges. */
pid_t trial_guard(void);
pid_t trial_launcher(void);
/* The sandbox alone goes; the folder stays for a look. */
void trial_end_native(struct trial *trial);

/* Opens an environment of 128 MB and waits for it. */
void guest_open(struct trial *trial, struct guest *guest, const struct native_place_spec *spec);
/* Takes the events of guest->place. */
void guest_watch(struct guest *guest);
void guest_close(struct guest *guest);
/* Starts the guest program; word and arg as in guest.c. */
void guest_start(struct guest *guest, unsigned process, const char *word, const char *arg);
/* Turns the loop until the claim holds or ten seconds have passed (then the test fails). */
#define trial_until(trial, claim) \
        do { \
                nsec_t end_ = loop_now((trial)->loop) + 10 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((trial)->loop, 10 * MILLISECOND), 0); \
                        assert_true(loop_now((trial)->loop) < end_); \
                } \
        } while (0)
/* Runs one word to its end; the output is the answer. */
const char *guest_run(struct guest *guest, const char *word, const char *arg);
/* A fresh output. */
void guest_clear(struct guest *guest);
/* Waits until that many processes of leave-children are there. */
void guest_await_lines(struct guest *guest, size_t count);
/* The runtime as the host numbers it; PID 1 of the environment (the runtime's parent). */
pid_t guest_runtime(struct guest *guest);
pid_t guest_cell(struct guest *guest);
/* Frees the environment and waits until its PID 1, which is the last to go, has ended. */
void guest_close_and_wait(struct guest *guest);
void await_death(pid_t pid);

/* What there is of a sandbox outside: descendants of this process, mounts and files of the trial's folder,
 * and control groups with the mark of the given cell's (trial_mark). A test that kills the daemon makes
 * itself subreaper, so that nobody gets away. */
struct traces {
        size_t processes, mounts, cgroups, files;
};
struct traces traces_count(const struct trial *trial, const char *mark);
/* The name of our folder in the cgroup tree, "lambent-…", from where this process is; "" without one. */
void trial_mark(pid_t cell, char *mark, size_t size);
