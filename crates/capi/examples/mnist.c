/*
 * Trains a larger network by a better recipe (ReLU, Adam, shuffled epochs, a learning rate that decays) and prints its
 * accuracy once an epoch: on MNIST, 98 %. With a file, it keeps a checkpoint there and continues from it.
 *
 *     mnist FOLDER [EPOCHS [CHECKPOINT]]
 */
#include "digits.h"

int main(int argc, char **argv) {
    const char *checkpoint = argc > 3 ? argv[3] : NULL;
    const size_t epochs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    struct digits train, test;
    tl_network *network;
    tl_network_options how;
    tl_network_info info;
    tl_train_options options;
    tl_status loaded = TL_ERROR_FILE;
    double loss, accuracy;
    if (argc < 2) {
        fprintf(stderr, "usage: mnist FOLDER [EPOCHS [CHECKPOINT]]\n");
        return 2;
    }
    train = read_digits(argv[1], "train");
    test = read_digits(argv[1], "t10k");
    if (checkpoint != NULL)
        loaded = tl_network_load(checkpoint, &network);
    if (loaded == TL_ERROR_FILE) { /* there is no checkpoint yet */
        check(tl_network_options_init(&how, sizeof how));
        how.activation = TL_RELU;
        how.init = TL_HE;
        loaded = tl_network_new(TL_F32, train.inputs, 512, 10, &how, &network);
    }
    check(loaded);

    check(tl_train_options_init(&options, sizeof options));
    options.optimizer = TL_ADAM;
    options.learning_rate = 0.001;
    options.learning_rate_decay = 0.8;
    options.sampling = TL_SHUFFLED;
    options.iterations = train.rows / options.batch; /* an epoch */
    check(tl_network_get_info(network, &info, sizeof info));
    while (info.iterations < epochs * options.iterations) {
        check(tl_train(network, images(&train), train.labels, train.rows, &options, &loss));
        check(tl_evaluate(network, images(&test), test.labels, test.rows, &loss, &accuracy));
        check(tl_network_get_info(network, &info, sizeof info));
        printf("epoch %2lu  test loss %.4f  accuracy %.2f%%\n", (unsigned long)(info.iterations / options.iterations),
               loss, 100 * accuracy);
        if (checkpoint != NULL)
            check(tl_network_save_checkpoint(network, checkpoint));
    }

    check(tl_network_free(&network));
    free_digits(&train);
    free_digits(&test);
    return 0;
}
