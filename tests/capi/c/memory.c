/*
 * With little memory left to the process, every call that needs more returns TL_ERROR_MEMORY, and the process lives.
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

static uint8_t pixels[ROWS * INPUTS];
static uint32_t labels[ROWS];
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
    EXPECT(status == TL_OK || status == TL_ERROR_MEMORY);
    refused += status == TL_ERROR_MEMORY;
}

int main(int argc, char **argv) {
    char path[4096];
    const tl_matrix x = tl_u8(pixels, ROWS, INPUTS), some = tl_u8(pixels, 100, INPUTS);
    const tl_matrix_out all = tl_out_f32(values, 1, PARAMETERS);
    tl_network *network, *other = NULL;
    tl_train_options options;
    size_t kilobytes;
    double loss, accuracy;
    int round = 0;
    EXPECT(argc == 2);
    snprintf(path, sizeof path, "%s/model", argv[1]);
    EXPECT(tl_network_new(TL_F32, INPUTS, HIDDEN, CLASSES, NULL, &network) == TL_OK);
    EXPECT(tl_network_save(network, path) == TL_OK);
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_OK);
    options.iterations = 3;
    for (kilobytes = 32; kilobytes < 300000; kilobytes = kilobytes * 3 / 2) {
        leave(kilobytes);
        EXPECT(tl_network_set_threads(network, round++ % 2 ? 64 : 1) == TL_OK);
        see(tl_network_new(TL_F32, INPUTS, HIDDEN, CLASSES, NULL, &other));
        EXPECT(tl_network_free(&other) == TL_OK);
        see(tl_network_load(path, &other));
        EXPECT(tl_network_free(&other) == TL_OK);
        see(tl_network_save(network, path));
        see(tl_network_save_checkpoint(network, path));
        see(tl_network_get_parameters(network, TL_ALL, all));
        see(tl_predict(network, x, tl_out_f32(probabilities, ROWS, CLASSES)));
        see(tl_evaluate(network, x, labels, ROWS, &loss, &accuracy));
        see(tl_gradient(network, some, labels, 100, all));
        see(tl_numerical_gradient(network, tl_u8(pixels, 2, INPUTS), labels, 2, 1e-4,
                                  tl_out_f64(numerical, 1, PARAMETERS)));
        see(tl_step(network, some, labels, 100, NULL, &loss));
        options.optimizer = round % 3 ? TL_ADAM : TL_SGD;
        options.sampling = round % 2 ? TL_SHUFFLED : TL_WITH_REPLACEMENT;
        see(tl_train(network, x, labels, ROWS, &options, &loss));
        see(tl_train(network, tl_transposed(tl_u8(pixels, INPUTS, ROWS)), labels, ROWS, &options, &loss));
    }
    EXPECT(refused > 10 && refused < 12 * round - 10);
    EXPECT(tl_network_free(&network) == TL_OK);
    puts("ok");
    return 0;
}
