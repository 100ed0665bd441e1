/*
 * Trains a larger network by a better recipe (ReLU, Adam, shuffled epochs, a learning rate that decays) and prints its
 * accuracy once an epoch: on MNIST, 98 %. With a file, it keeps a checkpoint there and continues from it.
 *
 *     mnist FOLDER [EPOCHS [CHECKPOINT]]
 */
#include "digits.h"

#define BATCH 100

/* The network of the checkpoint, if there is one; else a new one. */
static tl_network *make(const char *checkpoint, size_t inputs) {
    tl_network *network;
    tl_network_options options;
    FILE *file = checkpoint == NULL ? NULL : fopen(checkpoint, "rb");
    if (file != NULL) {
        fclose(file);
        check(tl_network_load(checkpoint, &network));
        return network;
    }
    check(tl_network_options_init(&options, sizeof options));
    options.activation = TL_RELU;
    options.init = TL_HE;
    check(tl_network_new(TL_F32, inputs, 512, 10, &options, &network));
    return network;
}

int main(int argc, char **argv) {
    const char *checkpoint = argc > 3 ? argv[3] : NULL;
    size_t done, epochs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    struct digits train, test;
    tl_network *network;
    tl_train_options options;
    double loss, accuracy;
    if (argc < 2) {
        fprintf(stderr, "usage: mnist FOLDER [EPOCHS [CHECKPOINT]]\n");
        return 2;
    }
    train = read_digits(argv[1], "train");
    test = read_digits(argv[1], "t10k");
    network = make(checkpoint, train.inputs);

    check(tl_train_options_init(&options, sizeof options));
    options.optimizer = TL_ADAM;
    options.learning_rate = 0.001;
    options.learning_rate_decay = 0.8;
    options.sampling = TL_SHUFFLED;
    options.batch = BATCH;
    options.iterations = train.rows / BATCH; /* an epoch */
    check(tl_network_iterations(network, &done));
    while (done < epochs * options.iterations) {
        check(tl_train(network, images(&train), train.labels, train.rows, &options, &loss));
        check(tl_evaluate(network, images(&test), test.labels, test.rows, &loss, &accuracy));
        check(tl_network_iterations(network, &done));
        printf("epoch %2lu  test loss %.4f  accuracy %.2f%%\n", (unsigned long)(done / options.iterations), loss,
               100 * accuracy);
        if (checkpoint != NULL)
            check(tl_network_save_checkpoint(network, checkpoint));
    }

    check(tl_network_free(&network));
    free_digits(&train);
    free_digits(&test);
    return 0;
}
