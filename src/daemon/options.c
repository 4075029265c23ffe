/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <dirent.h>
#include <limits.h>

#include "lib/endpoint.h"

#define AT(field) OPTION_AT(struct serve_options, field)

const struct option serve_option_table[] = {
        { "listen", 0, "LAMBENT_LISTEN", OPTION_LIST, "HOST:PORT", "127.0.0.1:4566",
          "where to listen; a loopback address means both 127.0.0.1 and ::1, port 0 a free one", AT(listen) },
        { "data-dir", 0, "LAMBENT_DATA_DIR", OPTION_PATH, "DIR", NULL,
          "where functions, code and logs are kept (default: $XDG_DATA_HOME/lambent or "
          "~/.local/share/lambent; as root /var/lib/lambent)",
          AT(data_dir) },
        { "user", 0, "LAMBENT_USER", OPTION_TEXT, "NAME|UID", NULL,
          "whom root's daemon becomes once it listens (default: the data dir's owner, a system user lambent, or an id "
          "that nobody has); root stays root",
          AT(user) },
        { "sandbox", 0, "LAMBENT_SANDBOX", OPTION_CHOICE, "auto|native|docker|podman", "auto",
          "where environments run; auto: natively where this machine has the runtime, else in a container; "
          "native: with no container engine, nor a helper of root's that opens one's socket",
          AT(sandbox) },
        { "sandbox-tier", 0, "LAMBENT_SANDBOX_TIER", OPTION_COUNT, "N", "0",
          "isolation of the native sandbox: 1 root namespaces, 2 user namespace, 3 plain processes, 0 the "
          "best that holds",
          AT(sandbox_tier), .most = 3 },
        { "region", 0, "LAMBENT_REGION", OPTION_TEXT, "REGION", "us-east-1",
          "the region of requests that are not signed for one", AT(region) },
        { "account", 0, "LAMBENT_ACCOUNT", OPTION_TEXT, "ID", "000000000000",
          "the account of requests whose access key is not 12 digits", AT(account) },
        { "idle-ttl", 0, "LAMBENT_IDLE_TTL", OPTION_SPAN, "TIME", "300",
          "how long an idle environment is kept warm", AT(idle_ttl) },
        { "max-environments", 0, "LAMBENT_MAX_ENVIRONMENTS", OPTION_COUNT, "N", "0",
          "environments at once; 0: as many as descriptors and processes allow", AT(environments_max),
          .most = 1000000 },
        { "freeze-after", 0, "LAMBENT_FREEZE_AFTER", OPTION_SPAN, "TIME", "50ms",
          "how long after an invocation its environment is frozen, as on AWS; never: it is not",
          AT(freeze_after) },
        { "network", 0, "LAMBENT_NETWORK", OPTION_CHOICE, "host|private", "host",
          "host: functions use this machine's network; private: each environment has only a loopback of its "
          "own",
          AT(network) },
        { "pull", 0, "LAMBENT_PULL", OPTION_CHOICE, "missing|always|never", "missing",
          "when images are pulled: what the engine lacks, each time a function is made ready, or never",
          AT(pull) },
        { "image-mirror", 0, "LAMBENT_IMAGE_MIRROR", OPTION_TEXT, "PREFIX", "",
          "where the images of AWS's runtimes come from instead of public.ecr.aws/lambda", AT(image_mirror) },
        { "private-registry", 0, "LAMBENT_PRIVATE_REGISTRY", OPTION_TEXT, "HOST:PORT", "",
          "the registry that stands for AWS's private ones (ACCOUNT.dkr.ecr.REGION.amazonaws.com)",
          AT(private_registry) },
        { "container-network", 0, "LAMBENT_CONTAINER_NETWORK", OPTION_TEXT, "NAME", "",
          "the engine's network that containers join; none given: its default one", AT(container_network) },
        { "container-mode", 0, "LAMBENT_CONTAINER_MODE", OPTION_CHOICE, "auto|init|rie", "auto",
          "who runs the function in a container: lambent-init, or the emulator (RIE) that the image brings; auto: the "
          "emulator where the image starts nothing else, or init cannot run",
          AT(container_mode) },
        { "rie-ready-time", 0, "LAMBENT_RIE_READY_TIME", OPTION_SPAN, "TIME", "10s",
          "how long an image's emulator may take to answer", AT(rie_ready_time) },
        { "container-spares", 0, "LAMBENT_CONTAINER_SPARES", OPTION_COUNT, "N", "4",
          "containers started before they are wanted, one for each of the versions wanted last; 0: none",
          AT(container_spares), .most = 1000 },
        { "container-writable", 0, "LAMBENT_CONTAINER_WRITABLE", OPTION_FLAG, "", NULL,
          "let functions in containers write to their root file system, which AWS does not",
          AT(container_writable) },
        { "container-privileges", 0, "LAMBENT_CONTAINER_PRIVILEGES", OPTION_FLAG, "", NULL,
          "leave functions in containers the engine's usual capabilities, which AWS does not",
          AT(container_privileges) },
        { "cpu-share", 0, "LAMBENT_CPU_SHARE", OPTION_FLAG, "", NULL,
          "give CPU time in proportion to memory, as AWS does", AT(cpu_share) },
        { "strict-runtimes", 0, "LAMBENT_STRICT_RUNTIMES", OPTION_FLAG, "", NULL,
          "refuse a function whose exact interpreter version is not here, instead of taking the nearest",
          AT(strict_runtimes) },
        { "allow-host", 0, "LAMBENT_ALLOW_HOST", OPTION_LIST, "HOST", NULL,
          "accept requests for this Host besides localhost and addresses; a leading dot allows all names "
          "below",
          AT(allow_host) },
        { "upstream", 0, "LAMBENT_UPSTREAM", OPTION_TEXT, "URL", NULL,
          "where requests for other AWS services go, unchanged, as http://HOST:PORT or https://HOST:PORT; without it they are refused",
          AT(upstream) },
        { "s3-endpoint", 0, "LAMBENT_S3_ENDPOINT AWS_ENDPOINT_URL_S3", OPTION_TEXT, "URL", NULL,
          "where the packages are that requests name by S3Bucket and S3Key (default: --upstream, else AWS with the "
          "credentials of the environment)",
          AT(s3_endpoint) },
        { "layers-from-aws", 0, "LAMBENT_LAYERS_FROM_AWS", OPTION_FLAG, "", NULL,
          "fetch layers of other accounts from AWS, with the credentials of the environment, when a function names one",
          AT(layers_from_aws) },
        { "layers-endpoint", 0, "LAMBENT_LAYERS_ENDPOINT", OPTION_TEXT, "URL", NULL,
          "whose Lambda API is asked for them instead of AWS's", AT(layers_endpoint) },
        { "verify-signatures", 0, "LAMBENT_VERIFY_SIGNATURES", OPTION_FLAG, "", NULL,
          "refuse requests to AWS's operations that are not signed with a key of --credentials",
          AT(verify_signatures) },
        { "credentials", 0, "LAMBENT_CREDENTIALS", OPTION_PATH, "FILE", NULL,
          "the keys for --verify-signatures: a line \"ID SECRET\" each", AT(credentials) },
        { "log-bytes", 0, "LAMBENT_LOG_BYTES", OPTION_BYTES, "SIZE", "64m",
          "log kept per function; the oldest goes first", AT(log_bytes) },
        { "drain-time", 0, "LAMBENT_DRAIN_TIME", OPTION_SPAN, "TIME", "10s",
          "how long running invocations, and clients that take an answer, may take after SIGTERM or SIGINT; a "
          "second signal stops at once",
          AT(drain_time) },
        { "log-level", 0, "LAMBENT_LOG_LEVEL", OPTION_CHOICE, "error|warn|info|debug", "info",
          "what the daemon itself says on standard error", AT(log_level) },
        { "config", 0, NULL, OPTION_PATH, "FILE", NULL, "read this config file and no other", AT(config) },
        { "temporary", 0, "LAMBENT_TEMPORARY", OPTION_FLAG, "", NULL,
          "keep the data in a fresh folder below $TMPDIR (or in --data-dir, which must be empty) and remove it at "
          "the end",
          AT(temporary) },
        { "life-fd", 0, NULL, OPTION_COUNT, "FD", "0", "stop when this pipe's other end is closed",
          AT(life_fd), .most = INT_MAX, .hidden = true },
        { "ready-fd", 0, NULL, OPTION_COUNT, "FD", "0", "write the endpoint there when ready, then close it",
          AT(ready_fd), .most = INT_MAX, .hidden = true },
        {},
};

static char *default_data_dir(void) {
        const char *data_home = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

        /* Root's home is closed to whom the daemon becomes. */
        if (geteuid() == 0)
                return xstrdup("/var/lib/lambent");
        if (data_home && *data_home == '/')
                return xasprintf("%s/lambent", data_home);
        if (home && *home == '/')
                return xasprintf("%s/.local/share/lambent", home);
        return NULL;
}

static char *temporary_data_dir(void) {
        const char *tmp = getenv("TMPDIR");
        char *path = xasprintf("%s/lambent-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");

        if (mkdtemp(path))
                return path;
        free(path);
        return NULL;
}

/* A folder that may become ours from its first file to its last. */
static bool is_free(const char *path) {
        DIR *dir = opendir(path);
        const struct dirent *entry;
        bool is_empty = true;

        if (!dir)
                return errno == ENOENT;
        while ((entry = readdir(dir)))
                is_empty = is_empty && (streq(entry->d_name, ".") || streq(entry->d_name, ".."));
        closedir(dir);
        return is_empty;
}

static int check_endpoint(const char *name, const char *url, char **ret_problem) {
        AUTO(endpoint) struct endpoint endpoint = {};

        if (!url || endpoint_parse(url, &endpoint) == 0)
                return 0;
        *ret_problem =
                xasprintf("--%s: \"%s\" is not of the form http://HOST:PORT or https://HOST:PORT", name, url);
        return -EINVAL;
}

int serve_options_finish(struct serve_options *options, char **ret_problem) {
        if (strlen(options->account) != 12 || strspn(options->account, "0123456789") != 12) {
                *ret_problem = xasprintf("--account: \"%s\" is not 12 digits", options->account);
                return -EINVAL;
        }
        for (size_t i = 0; i < options->allow_host.count; ++i)
                if (strpbrk(options->allow_host.items[i], ":/*@")) {
                        *ret_problem = xasprintf(
                                "--allow-host: \"%s\" is not the name of a host: no scheme, no port, "
                                "and a leading dot for all names below",
                                options->allow_host.items[i]);
                        return -EINVAL;
                }
        /* It becomes part of ARNs and of keys in the store. */
        if (!*options->region ||
            strspn(options->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(options->region)) {
                *ret_problem = xasprintf("--region: \"%s\" is not a region's name", options->region);
                return -EINVAL;
        }
        if (check_endpoint("upstream", options->upstream, ret_problem))
                return -EINVAL;
        if (options->upstream && !options->s3_endpoint)
                options->s3_endpoint = xstrdup(options->upstream);
        if (check_endpoint("s3-endpoint", options->s3_endpoint, ret_problem) ||
            check_endpoint("layers-endpoint", options->layers_endpoint, ret_problem))
                return -EINVAL;
        if (options->verify_signatures != (options->credentials != NULL)) {
                *ret_problem = xstrdup(options->credentials
                                               ? "--credentials has no use without --verify-signatures"
                                               : "--verify-signatures needs keys: say --credentials FILE");
                return -EINVAL;
        }
        if (options->temporary && options->data_dir && !is_free(options->data_dir)) {
                *ret_problem = xasprintf(
                        "--temporary: %s is not empty, and what is in it would be removed at the end; "
                        "name a new folder with --data-dir, or none",
                        options->data_dir);
                return -EINVAL;
        }
        if (!options->data_dir)
                options->data_dir = options->temporary ? temporary_data_dir() : default_data_dir();
        if (!options->data_dir) {
                *ret_problem = xstrdup("there is no folder to keep data in: say --data-dir DIR");
                return -EINVAL;
        }
        return 0;
}
