/*
 * Trains the network on a folder of IDX files (MNIST, or the digits in the project's data/), as the notebook does, and
 * prints its accuracy.
 *
 *     train FOLDER [ITERATIONS [THREADS [MODEL]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <twolayer.h>

#define HIDDEN 50
#define CLASSES 10

/* Ends the program unless a call went well. */
static void check(tl_status status) {
    if (status != TL_STATUS_OK) {
        fprintf(stderr, "error: %s (%s)\n", tl_last_error_message(), tl_status_name(status));
        exit(1);
    }
}

struct part {
    unsigned char *images, *labels;
    size_t rows, inputs;
};

/* Reads FOLDER/STEM.gz or FOLDER/STEM; gives the bytes, their number, and the number of rows. */
static unsigned char *read_bytes(const char *folder, const char *stem, size_t *length, size_t *rows) {
    char path[4096];
    int32_t element;
    size_t dimensions, sizes[3], i;
    unsigned char *bytes;
    snprintf(path, sizeof path, "%s/%s.gz", folder, stem);
    if (tl_idx_info(path, &element, &dimensions, sizes, 3) == TL_STATUS_FILE)
        snprintf(path, sizeof path, "%s/%s", folder, stem);
    check(tl_idx_info(path, &element, &dimensions, sizes, 3));
    *rows = sizes[0];
    *length = 1;
    for (i = 0; i < dimensions; i++)
        *length *= sizes[i];
    bytes = malloc(*length);
    if (bytes == NULL) {
        fprintf(stderr, "error: %s: no memory for %lu bytes\n", path, (unsigned long)*length);
        exit(1);
    }
    check(tl_idx_read_u8(path, bytes, *length));
    return bytes;
}

static struct part read_part(const char *folder, const char *images, const char *labels) {
    struct part part;
    size_t pixels, count;
    part.images = read_bytes(folder, images, &pixels, &part.rows);
    part.labels = read_bytes(folder, labels, &count, &count);
    part.inputs = pixels / part.rows;
    return part;
}

static double seconds(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int show(void *user, size_t iteration, double loss) {
    (void)user;
    if (iteration % 1000 == 0)
        printf("iteration %5lu  loss %.4f\n", (unsigned long)iteration, loss);
    return 0;
}

int main(int argc, char **argv) {
    struct part train, test;
    tl_network_f32 *network;
    tl_train_options options;
    size_t iterations, threads = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    double loss, accuracy, start, taken;
    if (argc < 2) {
        fprintf(stderr, "usage: train FOLDER [ITERATIONS [THREADS [MODEL]]]\n");
        return 2;
    }
    train = read_part(argv[1], "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    test = read_part(argv[1], "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");

    check(tl_network_new_f32(train.inputs, HIDDEN, CLASSES, 0, &network));
    check(tl_network_set_threads_f32(network, threads));
    check(tl_train_options_init(&options, sizeof options));
    if (argc > 2)
        options.iterations = strtoul(argv[2], NULL, 10);
    options.progress = show;
    start = seconds();
    check(tl_train_u8_f32(network, train.images, train.rows * train.inputs, train.labels, train.rows, &options,
                          &iterations, &loss));
    taken = seconds() - start;
    check(tl_evaluate_u8_f32(network, test.images, test.rows * test.inputs, test.labels, test.rows, &loss, &accuracy));
    printf("trained %lu iterations in %.4f s\n", (unsigned long)iterations, taken);
    printf("accuracy %.2f%%, loss %.4f on %lu test images\n", 100 * accuracy, loss, (unsigned long)test.rows);
    if (argc > 4)
        check(tl_network_save_f32(network, argv[4]));

    check(tl_network_free_f32(&network));
    free(train.images);
    free(train.labels);
    free(test.images);
    free(test.labels);
    return 0;
}
