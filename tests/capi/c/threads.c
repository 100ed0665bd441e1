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

static float x[ROWS * INPUTS], first[ROWS * CLASSES];
static uint8_t labels[ROWS];
static tl_network_f32 *network;
static pthread_barrier_t meeting;
static size_t calls;

static void *reader(void *argument) {
    static const char *empty = "";
    float *p = malloc(sizeof first);
    int i;
    (void)argument;
    EXPECT(strcmp(tl_last_error_message(), empty) == 0);
    for (i = 0; i < 40; i++) {
        EXPECT(tl_predict_f32(network, x, ROWS * INPUTS, p, ROWS * CLASSES) == TL_STATUS_OK);
        EXPECT(memcmp(p, first, sizeof first) == 0);
    }
    EXPECT(tl_predict_f32(network, x, 1, p, ROWS * CLASSES) == TL_STATUS_LENGTH);
    EXPECT(strstr(tl_last_error_message(), "multiple of the 16 inputs") != NULL);
    free(p);
    return NULL;
}

/* Lets the other thread try while the training is in its first iteration. */
static int wait_for_the_other(void *user, size_t iteration, double loss) {
    float p[CLASSES];
    (void)user;
    calls++;
    if (iteration == 7) {
        EXPECT(loss > 0);
        EXPECT(tl_predict_f32(network, x, INPUTS, p, CLASSES) == TL_STATUS_BUSY);
        pthread_barrier_wait(&meeting);
        pthread_barrier_wait(&meeting);
    }
    return iteration == 11;
}

static void *trainer(void *argument) {
    tl_train_options options;
    size_t iterations;
    double loss;
    (void)argument;
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_STATUS_OK);
    options.first_iteration = 7;
    options.progress = wait_for_the_other;
    EXPECT(tl_train_f32(network, x, ROWS * INPUTS, labels, ROWS, &options, &iterations, &loss) == TL_STATUS_OK);
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
    tl_network_f32 *copy;
    float p[CLASSES];
    double loss, accuracy;
    int i;
    for (i = 0; i < ROWS * INPUTS; i++)
        x[i] = (float)(i * 131 % 257) / 257;
    for (i = 0; i < ROWS; i++)
        labels[i] = (uint8_t)(i % CLASSES);
    EXPECT(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 3, &network) == TL_STATUS_OK);
    EXPECT(tl_network_set_threads_f32(network, 2) == TL_STATUS_OK);
    EXPECT(tl_predict_f32(network, x, ROWS * INPUTS, first, ROWS * CLASSES) == TL_STATUS_OK);
    both(reader, reader);

    EXPECT(pthread_barrier_init(&meeting, NULL, 2) == 0);
    EXPECT(pthread_create(&thread, NULL, trainer, NULL) == 0);
    pthread_barrier_wait(&meeting);
    copy = network;
    EXPECT(tl_predict_f32(network, x, INPUTS, p, CLASSES) == TL_STATUS_BUSY);
    EXPECT(strstr(tl_last_error_message(), "in use by another call") != NULL);
    EXPECT(tl_evaluate_f32(network, x, ROWS * INPUTS, labels, ROWS, &loss, &accuracy) == TL_STATUS_BUSY);
    EXPECT(tl_network_set_seed_f32(network, 1) == TL_STATUS_BUSY);
    EXPECT(tl_network_free_f32(&copy) == TL_STATUS_BUSY && copy == network);
    pthread_barrier_wait(&meeting);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(tl_predict_f32(network, x, INPUTS, p, CLASSES) == TL_STATUS_OK);
    EXPECT(tl_network_free_f32(&network) == TL_STATUS_OK && network == NULL);
    pthread_barrier_destroy(&meeting);
    puts("ok");
    return 0;
}
