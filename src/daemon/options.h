/* SPDX-License-Identifier: Apache-2.0 */
/* options - what `lambent serve` can be told: one struct, filled from one table (cli/option.h). */
#pragma once
#include "cli/option.h"

struct serve_options {
        struct strings listen;
        char *config, *data_dir, *user, *sandbox, *region, *account, *network, *log_level, *pull,
                *image_mirror, *private_registry, *container_network, *container_mode, *upstream,
                *s3_endpoint, *layers_endpoint, *credentials;
        uint64_t container_spares, sandbox_tier, environments_max, log_bytes, ready_fd, life_fd;
        nsec_t idle_ttl, freeze_after, drain_time, rie_ready_time;
        struct strings allow_host;
        bool cpu_share, strict_runtimes, temporary, container_writable, container_privileges,
                verify_signatures, layers_from_aws;
};

#define FD_NONE 0 /* standard input is never the one */

extern const struct option serve_option_table[];

/* What the table cannot say: the data dir's place, an account of 12 digits, an upstream's URL. 0, or -EINVAL with a sentence. */
int serve_options_finish(struct serve_options *options, char **ret_problem);
