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

enum { ROWS = 1437, PARAMETERS = 65 * 50 + 51 * 10 };

static uint8_t pixels[ROWS * 64];
static uint32_t labels[ROWS], classes[ROWS];
static float gradient[PARAMETERS], a[300 * 300], b[300 * 300], c[300 * 300];
static double numerical[PARAMETERS];

int main(int argc, char **argv) {
    char path[4096], model[] = "/tmp/twolayer-quiet-XXXXXX";
    const tl_matrix x = tl_u8(pixels, ROWS, 64), some = tl_u8(pixels, 100, 64);
    tl_network *network, *loaded;
    tl_train_options options;
    tl_run_options how;
    double loss, accuracy;
    int file = mkstemp(model), asked = environment;
    EXPECT(argc == 2 && file >= 0);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read(path, tl_out_u8(pixels, ROWS, 64)) == TL_OK);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read_labels(path, labels, ROWS) == TL_OK);
    EXPECT(tl_network_new(TL_F32, 64, 50, 10, NULL, &network) == TL_OK);
    EXPECT(tl_network_set_threads(network, 4) == TL_OK);
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_OK);
    options.iterations = 2000;
    EXPECT(tl_train(network, x, labels, ROWS, &options, &loss) == TL_OK);
    EXPECT(tasks() == 4);
    options.iterations = 2;
    EXPECT(tl_train_numerically(network, x, labels, ROWS, 1e-4, &options, &loss) == TL_OK);
    EXPECT(tl_evaluate(network, x, labels, ROWS, &loss, &accuracy) == TL_OK);
    EXPECT(accuracy > 0.3);
    EXPECT(tl_classify(network, x, classes, ROWS) == TL_OK);
    EXPECT(tl_gradient(network, some, labels, 100, tl_out_f32(gradient, 1, PARAMETERS)) == TL_OK);
    EXPECT(tl_numerical_gradient(network, some, labels, 100, 1e-4, tl_out_f64(numerical, 1, PARAMETERS)) == TL_OK);
    EXPECT(tl_step(network, some, labels, 100, NULL, &loss) == TL_OK);
    EXPECT(tl_run_options_init(&how, sizeof how) == TL_OK);
    how.threads = 4;
    EXPECT(tl_gemm(&how, 1, tl_f32(a, 300, 300), tl_f32(b, 300, 300), 0, tl_out_f32(c, 300, 300)) == TL_OK);
    EXPECT(tl_network_save_checkpoint(network, model) == TL_OK);
    EXPECT(tl_network_load(model, &loaded) == TL_OK);
    options.learning_rate = 1e38;
    options.iterations = 100;
    EXPECT(tl_train(loaded, x, labels, ROWS, &options, &loss) == TL_ERROR_DIVERGED && loss != loss);
    EXPECT(tl_network_free(&loaded) == TL_OK);
    EXPECT(tl_network_load("/nowhere/model", &loaded) == TL_ERROR_FILE && loaded == NULL);
    EXPECT(tl_network_free(&network) == TL_OK);
    EXPECT(tasks() == 1);
    EXPECT(environment == asked && signals == 0 && outputs == 0);
    EXPECT(remove(model) == 0);
    puts("ok");
    return 0;
}
