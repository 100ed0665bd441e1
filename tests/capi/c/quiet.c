/*
 * Uses all of the library with functions of the C library replaced, to see what it asks of the process: no environment,
 * no signal handler, nothing written but the model file; and every thread that was started has ended.
 *
 *     quiet FOLDER
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <twolayer.h>
#include <unistd.h>

#include "expect.h"

static int environment, signals, outputs;

/* These stand before the C library's own when the shared library looks for them. */
char *getenv(const char *name) {
    (void)name;
    environment++;
    return NULL;
}

char *secure_getenv(const char *name) {
    return getenv(name);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    (void)number, (void)action, (void)old;
    signals++;
    return 0;
}

void (*signal(int number, void (*handler)(int)))(int) {
    (void)number, (void)handler;
    signals++;
    return NULL;
}

ssize_t write(int file, const void *bytes, size_t length) {
    outputs += file <= 2;
    return syscall(SYS_write, file, bytes, length);
}

/* A thread that has been joined is listed until the kernel has done away with it, some microseconds. */
static int listed(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    EXPECT(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static int tasks(void) {
    int patience = 1000;
    while (listed() > 1 && patience-- > 0)
        usleep(50);
    return listed();
}

static uint8_t images[1437 * 64], labels[1437];
static float gradient[65 * 50 + 51 * 10];
static double numerical[65 * 50 + 51 * 10];
static uint32_t classes[1437];
static float a[300 * 300], b[300 * 300], c[300 * 300];

int main(int argc, char **argv) {
    char path[4096], model[] = "/tmp/twolayer-quiet-XXXXXX";
    tl_network_f32 *network, *loaded;
    tl_train_options options;
    tl_run_options how;
    size_t iterations;
    double loss, accuracy;
    const tl_matrix_f32 a_view = {a, 90000, 300, 300, 300, 1}, b_view = {b, 90000, 300, 300, 300, 1};
    const tl_matrix_mut_f32 c_view = {c, 90000, 300, 300, 300};
    int file = mkstemp(model), asked = environment;
    EXPECT(argc == 2 && file >= 0);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read_u8(path, images, sizeof images) == TL_STATUS_OK);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read_u8(path, labels, sizeof labels) == TL_STATUS_OK);
    EXPECT(tl_network_new_f32(64, 50, 10, 0, &network) == TL_STATUS_OK);
    EXPECT(tl_network_set_threads_f32(network, 4) == TL_STATUS_OK);
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_STATUS_OK);
    options.iterations = 2000;
    EXPECT(tl_train_u8_f32(network, images, sizeof images, labels, 1437, &options, &iterations, &loss) == TL_STATUS_OK);
    EXPECT(tasks() == 4);
    options.iterations = 2;
    options.numerical_h = 1e-4;
    EXPECT(tl_train_u8_f32(network, images, sizeof images, labels, 1437, &options, &iterations, &loss) == TL_STATUS_OK);
    EXPECT(tl_evaluate_u8_f32(network, images, sizeof images, labels, 1437, &loss, &accuracy) == TL_STATUS_OK);
    EXPECT(accuracy > 0.3);
    EXPECT(tl_classify_u8_f32(network, images, sizeof images, classes, 1437) == TL_STATUS_OK);
    EXPECT(tl_gradient_u8_f32(network, images, 6400, labels, 100, gradient, sizeof gradient / 4) == TL_STATUS_OK);
    EXPECT(tl_numerical_gradient_u8_f32(network, images, 6400, labels, 100, 1e-4, numerical, sizeof numerical / 8) ==
           TL_STATUS_OK);
    EXPECT(tl_step_u8_f32(network, images, 6400, labels, 100, 0.1, &loss) == TL_STATUS_OK);
    EXPECT(tl_run_options_init(&how, sizeof how) == TL_STATUS_OK);
    how.threads = 4;
    EXPECT(tl_gemm_f32(&how, 1, &a_view, &b_view, 0, &c_view) == TL_STATUS_OK);
    EXPECT(tl_network_save_f32(network, model) == TL_STATUS_OK);
    EXPECT(tl_network_load_f32(model, &loaded) == TL_STATUS_OK);
    options.learning_rate = 1e38;
    options.iterations = 100;
    options.numerical_h = 0;
    EXPECT(tl_train_u8_f32(loaded, images, sizeof images, labels, 1437, &options, &iterations, &loss) ==
           TL_STATUS_DIVERGED);
    EXPECT(tl_network_free_f32(&loaded) == TL_STATUS_OK);
    EXPECT(tl_network_load_f32("/nowhere/model", &loaded) == TL_STATUS_FILE && loaded == NULL);
    EXPECT(tl_network_free_f32(&network) == TL_STATUS_OK);
    EXPECT(tasks() == 1);
    EXPECT(environment == asked && signals == 0 && outputs == 0);
    EXPECT(remove(model) == 0);
    puts("ok");
    return 0;
}
