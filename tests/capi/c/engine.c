/*
 * With whole numbers, a network learns the same bytes at every level and on any number of threads; what they cannot
 * compute is refused with the reason.
 *
 *     engine FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <twolayer.h>

#include "expect.h"

enum { INPUTS = 64, HIDDEN = 40, CLASSES = 10, ROWS = 1437, PARAMETERS = 65 * 40 + 41 * 10 };

static uint8_t images[ROWS * INPUTS], labels[ROWS];
static float floats[ROWS * INPUTS], probabilities[ROWS * CLASSES], gradient[PARAMETERS];
static double numerical[PARAMETERS];
static tl_train_options options;

/* All that comes of a training and of the network's use. */
static struct learned {
    double loss, mean_loss, accuracy;
    float parameters[PARAMETERS], gradient[PARAMETERS], probabilities[ROWS * CLASSES];
} first, other;

static tl_network_f32 *fixed(void) {
    tl_network_f32 *network;
    int32_t engine;
    EXPECT(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 5, &network) == TL_STATUS_OK);
    EXPECT(tl_network_engine_f32(network, &engine) == TL_STATUS_OK && engine == TL_ENGINE_AUTO);
    EXPECT(tl_network_set_engine_f32(network, TL_ENGINE_FIXED) == TL_STATUS_OK);
    EXPECT(tl_network_engine_f32(network, &engine) == TL_STATUS_OK && engine == TL_ENGINE_FIXED);
    return network;
}

static void learn(const char *level, size_t threads, struct learned *to) {
    tl_network_f32 *network = fixed();
    size_t iterations;
    EXPECT(tl_network_set_level_f32(network, level) == TL_STATUS_OK);
    EXPECT(tl_network_set_threads_f32(network, threads) == TL_STATUS_OK);
    EXPECT(tl_train_u8_f32(network, images, sizeof images, labels, ROWS, &options, &iterations, &to->loss) ==
           TL_STATUS_OK);
    EXPECT(tl_step_u8_f32(network, images, 100 * INPUTS, labels, 100, 0.1, &to->loss) == TL_STATUS_OK);
    EXPECT(tl_network_get_parameters_f32(network, TL_PARAMETER_ALL, to->parameters, PARAMETERS) == TL_STATUS_OK);
    EXPECT(tl_gradient_u8_f32(network, images, 100 * INPUTS, labels, 100, to->gradient, PARAMETERS) == TL_STATUS_OK);
    EXPECT(tl_predict_u8_f32(network, images, sizeof images, to->probabilities, ROWS * CLASSES) == TL_STATUS_OK);
    EXPECT(tl_evaluate_u8_f32(network, images, sizeof images, labels, ROWS, &to->mean_loss, &to->accuracy) ==
           TL_STATUS_OK);
    EXPECT(tl_network_free_f32(&network) == TL_STATUS_OK);
}

/* A call that is given floats. */
static void refuses(tl_status status) {
    EXPECT(status == TL_STATUS_OPTION);
    EXPECT(strcmp(tl_last_error_message(), "engine is fixed, which takes rows of u8 pixels; these are floats") == 0);
}

static void floats_are_refused(void) {
    tl_network_f32 *network = fixed();
    uint32_t classes[ROWS];
    size_t iterations;
    double loss, accuracy;
    refuses(tl_predict_f32(network, floats, ROWS * INPUTS, probabilities, ROWS * CLASSES));
    refuses(tl_classify_f32(network, floats, ROWS * INPUTS, classes, ROWS));
    refuses(tl_evaluate_f32(network, floats, ROWS * INPUTS, labels, ROWS, &loss, &accuracy));
    refuses(tl_gradient_f32(network, floats, 2 * INPUTS, labels, 2, gradient, PARAMETERS));
    refuses(tl_step_f32(network, floats, 2 * INPUTS, labels, 2, 0.1, &loss));
    refuses(tl_train_f32(network, floats, ROWS * INPUTS, labels, ROWS, &options, &iterations, &loss));
    EXPECT(tl_numerical_gradient_f32(network, floats, 2 * INPUTS, labels, 2, 1e-4, numerical, PARAMETERS) ==
           TL_STATUS_OK);
    EXPECT(tl_network_set_engine_f32(network, TL_ENGINE_FLOAT) == TL_STATUS_OK);
    EXPECT(tl_predict_f32(network, floats, ROWS * INPUTS, probabilities, ROWS * CLASSES) == TL_STATUS_OK);
    EXPECT(tl_network_free_f32(&network) == TL_STATUS_OK);
}

static void the_one_in_use_is_told(void) {
    const size_t rows[] = {0, 1, 64, 100000, SIZE_MAX};
    tl_network_f32 *single = fixed();
    tl_network_f64 *twice;
    int32_t engine;
    size_t i;
    EXPECT(tl_network_new_f64(INPUTS, HIDDEN, CLASSES, 5, &twice) == TL_STATUS_OK);
    EXPECT(tl_network_set_engine_f64(twice, TL_ENGINE_FLOAT) == TL_STATUS_OK);
    EXPECT(tl_network_set_engine_f64(twice, TL_ENGINE_FIXED) == TL_STATUS_OPTION);
    EXPECT(strcmp(tl_last_error_message(), "engine is fixed, which computes f32; the network is f64") == 0);
    EXPECT(tl_network_engine_f64(twice, &engine) == TL_STATUS_OK && engine == TL_ENGINE_FLOAT);
    EXPECT(tl_network_set_engine_f64(twice, TL_ENGINE_AUTO) == TL_STATUS_OK);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        EXPECT(tl_network_engine_for_f64(twice, rows[i], &engine) == TL_STATUS_OK && engine == TL_ENGINE_FLOAT);
        EXPECT(tl_network_set_engine_f32(single, TL_ENGINE_AUTO) == TL_STATUS_OK);
        EXPECT(tl_network_engine_for_f32(single, rows[i], &engine) == TL_STATUS_OK);
        EXPECT(engine == TL_ENGINE_FLOAT || (engine == TL_ENGINE_FIXED && rows[i] > 1));
        EXPECT(tl_network_set_engine_f32(single, TL_ENGINE_FIXED) == TL_STATUS_OK);
        EXPECT(tl_network_engine_for_f32(single, rows[i], &engine) == TL_STATUS_OK && engine == TL_ENGINE_FIXED);
        EXPECT(tl_network_set_engine_f32(single, TL_ENGINE_FLOAT) == TL_STATUS_OK);
        EXPECT(tl_network_engine_for_f32(single, rows[i], &engine) == TL_STATUS_OK && engine == TL_ENGINE_FLOAT);
    }
    EXPECT(tl_network_set_engine_f32(single, 3) == TL_STATUS_OPTION);
    EXPECT(strcmp(tl_last_error_message(), "engine is 3; expected one of tl_engine, 0 to 2") == 0);
    EXPECT(tl_network_free_f32(&single) == TL_STATUS_OK && tl_network_free_f64(&twice) == TL_STATUS_OK);
}

int main(int argc, char **argv) {
    char path[4096], level[16];
    size_t count, i, threads;
    EXPECT(argc == 2);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read_u8(path, images, sizeof images) == TL_STATUS_OK);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz", argv[1]);
    EXPECT(tl_idx_read_u8(path, labels, sizeof labels) == TL_STATUS_OK);
    EXPECT(tl_train_options_init(&options, sizeof options) == TL_STATUS_OK);
    options.iterations = 1000;
    options.learning_rate = 0.3;
    learn("scalar", 1, &first);
    EXPECT(first.accuracy > 0.85);
    EXPECT(tl_level_count(&count) == TL_STATUS_OK);
    for (i = 0; i < count; i++) {
        EXPECT(tl_level_name(i, level, sizeof level) == TL_STATUS_OK);
        for (threads = 1; threads <= 3; threads++) {
            learn(level, threads, &other);
            EXPECT(memcmp(&first, &other, sizeof first) == 0);
        }
    }
    floats_are_refused();
    the_one_in_use_is_told();
    puts("ok");
    return 0;
}
