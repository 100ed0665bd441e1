/*
 * With little memory left to the process, every call that needs more returns TL_STATUS_MEMORY, and the process lives.
 *
 *     memory FOLDER
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <twolayer.h>
#include <unistd.h>

#include "expect.h"

enum { INPUTS = 784, HIDDEN = 60, CLASSES = 10, ROWS = 20000, PARAMETERS = 785 * 60 + 61 * 10 };

static uint8_t x[ROWS * INPUTS], labels[ROWS];
static float probabilities[ROWS * CLASSES], values[PARAMETERS];
static double numerical[PARAMETERS];

/* Leaves the process so many kilobytes more than it has. */
static void leave(size_t kilobytes) {
    struct rlimit limit;
    unsigned long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + kilobytes * 1024;
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

static int refused;

static void see(tl_status status) {
    EXPECT(status == TL_STATUS_OK || status == TL_STATUS_MEMORY);
    refused += status == TL_STATUS_MEMORY;
}

int main(int argc, char **argv) {
    char path[4096];
    tl_network_f32 *network, *other = NULL;
    tl_train_options options;
    size_t iterations, kilobytes;
    double loss, accuracy;
    int round = 0;
    EXPECT(argc == 2);
    snprintf(path, sizeof path, "%s/model", argv[1]);
    EXPECT(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 0, &network) == TL_STATUS_OK);
    EXPECT(tl_network_save_f32(network, path) == TL_STATUS_OK);
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_STATUS_OK);
    options.iterations = 3;
    for (kilobytes = 32; kilobytes < 300000; kilobytes = kilobytes * 3 / 2) {
        leave(kilobytes);
        EXPECT(tl_network_set_threads_f32(network, round++ % 2 ? 64 : 1) == TL_STATUS_OK);
        see(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 0, &other));
        EXPECT(tl_network_free_f32(&other) == TL_STATUS_OK);
        see(tl_network_load_f32(path, &other));
        EXPECT(tl_network_free_f32(&other) == TL_STATUS_OK);
        see(tl_network_save_f32(network, path));
        see(tl_network_get_parameters_f32(network, TL_PARAMETER_ALL, values, PARAMETERS));
        see(tl_predict_u8_f32(network, x, sizeof x, probabilities, ROWS * CLASSES));
        see(tl_evaluate_u8_f32(network, x, sizeof x, labels, ROWS, &loss, &accuracy));
        see(tl_gradient_u8_f32(network, x, 100 * INPUTS, labels, 100, values, PARAMETERS));
        see(tl_numerical_gradient_u8_f32(network, x, 2 * INPUTS, labels, 2, 1e-4, numerical, PARAMETERS));
        see(tl_step_u8_f32(network, x, 100 * INPUTS, labels, 100, 0.1, &loss));
        see(tl_train_u8_f32(network, x, sizeof x, labels, ROWS, &options, &iterations, &loss));
    }
    EXPECT(refused > 10 && refused < 10 * round - 10);
    EXPECT(tl_network_free_f32(&network) == TL_STATUS_OK);
    puts("ok");
    return 0;
}
