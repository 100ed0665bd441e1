/*
 * Trains the network on a folder of IDX files (MNIST, or the digits in the project's data/), as the notebook does, and
 * prints its accuracy.
 *
 *     train FOLDER [ITERATIONS [THREADS [MODEL]]]
 */
#define _POSIX_C_SOURCE 199309L
#include "digits.h"
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int show(void *user, size_t iteration, double loss) {
    (void)user;
    if (iteration % 1000 == 0)
        printf("iteration %5lu  loss %.4f\n", (unsigned long)iteration, loss);
    return 0;
}

int main(int argc, char **argv) {
    struct digits train, test;
    tl_network *network;
    tl_train_options options;
    double loss, accuracy, start, taken;
    if (argc < 2) {
        fprintf(stderr, "usage: train FOLDER [ITERATIONS [THREADS [MODEL]]]\n");
        return 2;
    }
    train = read_digits(argv[1], "train");
    test = read_digits(argv[1], "t10k");

    check(tl_network_new(TL_F32, train.inputs, 50, 10, NULL, &network));
    check(tl_network_set_threads(network, argc > 3 ? strtoul(argv[3], NULL, 10) : 1));
    check(tl_train_options_init(&options, sizeof options));
    if (argc > 2)
        options.iterations = strtoul(argv[2], NULL, 10);
    options.progress = show;
    start = seconds();
    check(tl_train(network, images(&train), train.labels, train.rows, &options, &loss));
    taken = seconds() - start;
    check(tl_evaluate(network, images(&test), test.labels, test.rows, &loss, &accuracy));
    printf("trained %lu iterations in %.4f s\n", (unsigned long)options.iterations, taken);
    printf("accuracy %.2f%%, loss %.4f on %lu test images\n", 100 * accuracy, loss, (unsigned long)test.rows);
    if (argc > 4)
        check(tl_network_save(network, argv[4]));

    check(tl_network_free(&network));
    free_digits(&train);
    free_digits(&test);
    return 0;
}
