/*
 * Two threads and one network: both read it; one trains it while the other is refused; messages are each thread's own.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <twolayer.h>

#include "expect.h"

enum { INPUTS = 16, HIDDEN = 40, CLASSES = 3, ROWS = 600 };

static float values[ROWS * INPUTS], first[ROWS * CLASSES];
static uint32_t labels[ROWS];
static tl_network *network;
static tl_matrix x, row;
static pthread_barrier_t meeting;
static size_t calls;

static void *reader(void *argument) {
    static const char *empty = "";
    float *p = malloc(sizeof first);
    int i;
    (void)argument;
    EXPECT(strcmp(tl_last_error_message(), empty) == 0);
    for (i = 0; i < 40; i++) {
        EXPECT(tl_predict(network, x, tl_out_f32(p, ROWS, CLASSES)) == TL_OK);
        EXPECT(memcmp(p, first, sizeof first) == 0);
    }
    EXPECT(tl_predict(network, tl_f32(values, 1, 1), tl_out_f32(p, 1, CLASSES)) == TL_ERROR_LENGTH);
    EXPECT(strcmp(tl_last_error_message(), "x is 1 x 1; expected 1 x 16") == 0);
    free(p);
    return NULL;
}

/* Lets the other thread try while the training is in its first iteration. */
static int wait_for_the_other(void *user, size_t iteration, double loss) {
    float p[CLASSES];
    (void)user;
    calls++;
    if (iteration == 0) {
        EXPECT(loss > 0);
        EXPECT(tl_predict(network, row, tl_out_f32(p, 1, CLASSES)) == TL_ERROR_BUSY);
        pthread_barrier_wait(&meeting);
        pthread_barrier_wait(&meeting);
    }
    return iteration == 4;
}

static void *trainer(void *argument) {
    tl_train_options options;
    size_t iterations;
    double loss;
    (void)argument;
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_OK);
    options.progress = wait_for_the_other;
    EXPECT(tl_train(network, x, labels, ROWS, &options, &loss) == TL_OK);
    EXPECT(tl_network_iterations(network, &iterations) == TL_OK);
    EXPECT(iterations == 5 && calls == 5);
    return NULL;
}

static void both(void *(*a)(void *), void *(*b)(void *)) {
    pthread_t threads[2];
    EXPECT(pthread_create(&threads[0], NULL, a, NULL) == 0);
    EXPECT(pthread_create(&threads[1], NULL, b, NULL) == 0);
    EXPECT(pthread_join(threads[0], NULL) == 0);
    EXPECT(pthread_join(threads[1], NULL) == 0);
}

int main(void) {
    pthread_t thread;
    tl_network *copy;
    float p[CLASSES];
    double loss, accuracy;
    int i;
    for (i = 0; i < ROWS * INPUTS; i++)
        values[i] = (float)(i * 131 % 257) / 257;
    for (i = 0; i < ROWS; i++)
        labels[i] = (uint32_t)i % CLASSES;
    x = tl_f32(values, ROWS, INPUTS);
    row = tl_f32(values, 1, INPUTS);
    EXPECT(tl_network_new(TL_F32, INPUTS, HIDDEN, CLASSES, NULL, &network) == TL_OK);
    EXPECT(tl_network_set_threads(network, 2) == TL_OK);
    EXPECT(tl_predict(network, x, tl_out_f32(first, ROWS, CLASSES)) == TL_OK);
    both(reader, reader);

    EXPECT(pthread_barrier_init(&meeting, NULL, 2) == 0);
    EXPECT(pthread_create(&thread, NULL, trainer, NULL) == 0);
    pthread_barrier_wait(&meeting);
    copy = network;
    EXPECT(tl_predict(network, row, tl_out_f32(p, 1, CLASSES)) == TL_ERROR_BUSY);
    EXPECT(strstr(tl_last_error_message(), "in use by another call") != NULL);
    EXPECT(tl_evaluate(network, x, labels, ROWS, &loss, &accuracy) == TL_ERROR_BUSY);
    EXPECT(tl_network_set_seed(network, 1) == TL_ERROR_BUSY);
    EXPECT(tl_network_free(&copy) == TL_ERROR_BUSY && copy == network);
    pthread_barrier_wait(&meeting);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(tl_predict(network, row, tl_out_f32(p, 1, CLASSES)) == TL_OK);
    EXPECT(tl_network_free(&network) == TL_OK && network == NULL);
    pthread_barrier_destroy(&meeting);
    puts("ok");
    return 0;
}
