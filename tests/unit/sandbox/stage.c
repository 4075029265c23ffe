/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <sys/utsname.h>

#define HOME "00112233445566778899aabbccddeeff"

const char *stage_architecture(void) {
        static struct utsname host;

        assert_int_equal(uname(&host), 0);
        return streq(host.machine, "aarch64") ? "arm64" : host.machine;
}

void stage_turn(struct stage *s, nsec_t patience) {
        assert_int_equal(loop_turn(s->loop, patience), 0);
        if (s->turned)
                s->turned(s);
}

/* ---- the driver ---- */

void stage_open(struct stage *s, const char *folder, const char *choice) {
        int fd;

        s->folder = folder;
        s->init = xasprintf("%s/lambent-init", folder);
        fd = open(s->init, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_int_equal(write(fd, "init", 4), 4);
        fd_close(fd);
        s->options = (struct containers_options){
                .choice = choice,
                .init_dir = folder,
                .state_dir = xasprintf("%s/state", folder),
                .home = HOME,
                .spare_ttl = 300 * SECOND,
                .owner = s,
        };
}

void stage_make_containers(struct stage *s) {
        s->containers = containers_new(s->loop, &s->options);
}

void stage_close_containers(struct stage *s) {
        containers_close(TAKE(s->containers));
        assert_true(rmdir(s->options.state_dir) == 0 || errno == ENOENT);
}

void stage_close(struct stage *s) {
        stage_close_containers(s);
        image_unref(s->image);
        unlink(s->init);
        free((char *)s->options.state_dir);
        free(s->init);
        free(s->where);
        free(s->problem);
        free(s->gone);
}

/* ---- what it needs ---- */

static void keep(char **text, const char *told) {
        free(*text);
        *text = told ? xstrdup(told) : NULL;
}

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct stage *s = container_of(wait, struct stage, wait);

        s->answered = true;
        assert_true(!engine == !!problem);
        keep(&s->problem, problem);
        keep(&s->where, engine ? engine->address : NULL);
}

bool stage_find_engine(struct stage *s) {
        s->answered = false;
        containers_want(s->containers, &s->wait, on_engine);
        stage_until(s, s->answered);
        return !s->problem;
}

static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        struct stage *s = container_of(ask, struct stage, ask);

        s->image_answered = true;
        assert_true(!image == !!r && !r == !problem);
        keep(&s->problem, problem);
        image_unref(s->image);
        s->image = image ? image_ref(image) : NULL;
}

bool stage_find_image(struct stage *s) {
        s->image_answered = false;
        images_want(containers_images(s->containers), "public.ecr.aws/lambda/provided:al2023", NULL,
                    stage_architecture(), &s->ask, on_image);
        stage_until(s, s->image_answered);
        return s->image != NULL;
}

/* ---- an environment ---- */

static void on_gone(struct environment *e, const char *why) {
        struct stage *s = e->owner;

        ++s->gone_times;
        s->accident = e->accident;
        keep(&s->gone, why);
}

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
}

static const struct environment_events events = {
        .started = on_started, .ready = on_ready, .log = on_log, .gone = on_gone
};

void stage_start(struct stage *s) {
        static const char *const argv[] = { "/var/task/bootstrap", NULL };
        struct runtime_command command = {
                .argv = argv, .cwd = "/var/task", .version_name = "", .version_arn = ""
        };
        struct environment_spec spec = {
                .id = "0123456789abcdef0123456789abcdef",
                .account = "000000000000",
                .region = "us-east-1",
                .function = "fn",
                .version = "$LATEST",
                .runtime = "provided.al2023",
                .handler = "x",
                .memory_mb = 128,
                .tmp_mb = 512,
                .timeout = SECOND,
                .log_group = "g",
                .log_stream = "s",
                .task_dir = s->folder,
                .access_key_id = "a",
                .secret_access_key = "b",
                .session_token = "c",
        };

        s->environment = containers_environment_new(
                s->containers,
                &(struct container_spec){ .environment = &spec, .command = &command, .image = s->image });
        s->environment->events = &events;
        s->environment->owner = s;
        assert_int_equal(s->environment->ops->start(s->environment), 0);
}
