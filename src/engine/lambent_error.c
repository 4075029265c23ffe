/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lambent_private.h"
#include "function/placement.h"
#include "oci/runtime_image.h"

static const struct {
        enum lambent_error error;
        const char *name;
} names[] = {
        { LAMBENT_OK, "ok" },
        { LAMBENT_NO_CODE, "no-code" },
        { LAMBENT_UNSUPPORTED_RUNTIME, "unsupported-runtime" },
        { LAMBENT_START_FAILED, "start-failed" },
        { LAMBENT_INVOCATION_FAILED, "invocation-failed" },
        { LAMBENT_BAD_ZIP, "bad-zip" },
        { LAMBENT_HANDLER_ERROR, "handler-error" },
        { LAMBENT_TIMED_OUT, "timed-out" },
        { LAMBENT_OUT_OF_MEMORY, "out-of-memory" },
        { LAMBENT_INIT_ERROR, "init-error" },
        { LAMBENT_THROTTLED, "throttled" },
        { LAMBENT_PENDING, "pending" },
        { LAMBENT_IMAGE_UNAVAILABLE, "image-unavailable" },
        { LAMBENT_NO_ENGINE, "no-engine" },
        { LAMBENT_STOPPING, "stopping" },
        { LAMBENT_INTERNAL, "internal" },
};

const char *lambent_error_name(enum lambent_error error) {
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (names[i].error == error)
                        return names[i].name;
        return "unknown";
}

static bool has_image(const char *runtime) {
        AUTO(str) char *image = runtime_image(runtime, NULL);

        return image;
}

bool lambent_knows_runtime(const char *runtime) {
        return command_needs_interpreter(runtime) || has_image(runtime);
}

static bool has_engine(const struct lambent *l) {
        return l->engine->containers && containers_engine(l->engine->containers, NULL);
}

enum lambent_error lambent_error_of_image(enum image_outcome outcome) {
        if (outcome == IMAGE_FINE)
                return LAMBENT_OK;
        return outcome == IMAGE_NO_ENGINE ? LAMBENT_NO_ENGINE : LAMBENT_IMAGE_UNAVAILABLE;
}

/* Once the code is there, what is left to fail is finding a container for it (choice.h). */
static bool wanted_container(const struct version *v) {
        return version_config_is_image(&v->config) || (v->task_dir && !v->placement);
}

enum lambent_error lambent_error_of_state(const struct lambent *l, const struct version *v,
                                          const char *code) {
        bool zip = !version_config_is_image(&v->config);

        if (code && streq(code, "InvalidZipFileException"))
                return LAMBENT_BAD_ZIP;
        if (!wanted_container(v))
                return LAMBENT_INTERNAL;
        if (!has_engine(l))
                return LAMBENT_NO_ENGINE;
        return zip && !has_image(v->config.runtime) ? LAMBENT_UNSUPPORTED_RUNTIME : LAMBENT_IMAGE_UNAVAILABLE;
}

enum lambent_error lambent_error_of_runtime(const struct lambent *l, const struct version *v,
                                            char **ret_problem) {
        struct command command;

        if (!v->placement || v->placement->image || version_config_is_image(&v->config))
                return LAMBENT_OK;
        if (command_find(l->engine->interpreters, v, l->engine->options.strict_runtimes, &command,
                         ret_problem))
                return LAMBENT_UNSUPPORTED_RUNTIME;
        command_clear(&command);
        return LAMBENT_OK;
}

/* No environment was to be had. */
static enum lambent_error error_of_start(const struct lambent *l, const struct version *v) {
        AUTO(str) char *problem = NULL;

        if (!v->prepared)
                return lambent_error_of_state(l, v,
                                              v->status.state_reason_code ?: v->status.update_reason_code);
        return lambent_error_of_runtime(l, v, &problem) ?: LAMBENT_START_FAILED;
}

enum lambent_error lambent_error_of_answer(const struct lambent *l, const struct version *v,
                                           const struct invocation_answer *answer) {
        switch (answer->outcome) {
        case OUTCOME_OK:
                return answer->is_error ? LAMBENT_HANDLER_ERROR : LAMBENT_OK;
        case OUTCOME_HANDLER_ERROR:
                return LAMBENT_HANDLER_ERROR;
        case OUTCOME_TIMEOUT:
                return LAMBENT_TIMED_OUT;
        case OUTCOME_OUT_OF_MEMORY:
                return LAMBENT_OUT_OF_MEMORY;
        case OUTCOME_INIT_ERROR:
                return LAMBENT_INIT_ERROR;
        case OUTCOME_EXIT:
        case OUTCOME_BAD_ANSWER:
                return LAMBENT_INVOCATION_FAILED;
        case OUTCOME_SANDBOX_FAILURE:
                return answer->undelivered ? error_of_start(l, v) : LAMBENT_INVOCATION_FAILED;
        }
        return LAMBENT_INTERNAL;
}
