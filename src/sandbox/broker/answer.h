/* SPDX-License-Identifier: Apache-2.0 */
/* answer - what lambent-broker does all its life */
#pragma once
#include "base/util.h"

/* Answers the daemon's questions (protocol.h) about these sockets until it has gone: 0; -EPROTO when it said something else;
 * -errno. Never waits for anybody but the daemon. */
int broker_answer_all(int daemon, const char *const *paths, size_t count);
