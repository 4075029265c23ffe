/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol - what daemon and broker say to each other
 *
 * Over SOCK_SEQPACKET, each message a packet of exactly one of these structs; both ends are the same build. Each question
 * has one answer. Whoever says anything else is treated as gone.
 */
#pragma once
#include <stdint.h>

struct broker_question {
        uint32_t id;    /* the asker's own; the answer has it again */
        uint32_t place; /* from 0, in the order of the broker's arguments */
};

struct broker_answer {
        uint32_t id;
        int32_t error; /* 0: a connected, nonblocking socket comes along (SCM_RIGHTS); else -errno: -EINVAL for a place that there is not */
};
