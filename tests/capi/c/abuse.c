/*
 * What the calls that are made from the header need: valid arguments of every name that occurs there, and a look at
 * every buffer after a call that had to fail.
 */
/* For functions of POSIX, and for `signal` under its own name, which tests/common/shim.c waits for. */
#define _DEFAULT_SOURCE
#include "digits.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { INPUTS = 4, HIDDEN = 3, CLASSES = 2, ROWS = 2, PARAMETERS = 23 };

/* Every buffer that is read or written, with as much room again. After a call that failed, none may have changed. */
static struct buffers {
    double x[16], values[46], probabilities[8], gradient[46], a[8], b[8], c[8], logits[8], elements[4];
    double loss, accuracy;
    uint32_t labels[4], classes[4];
    size_t dimensions, sizes[8];
    uint8_t bytes[8];
    tl_type type;
    tl_network_info info;
    tl_network_options network_options;
    tl_train_options train_options;
    tl_matrix in_x, in_values, in_a, in_b;
    tl_matrix_out out_x, out_values, out_probabilities, out_gradient, out_c, out_logits, out_elements;
} now, before;

static tl_type type;
static tl_network *network, *made, *dead;
static double zeros[64];
static int failures, calls, refused, with_freed;

/* Whether a call failed because the test refuses memory. */
static int was_refused(tl_status status) {
    int so = status == TL_ERROR_MEMORY && getenv("FAULT") != NULL;
    refused += so;
    return so;
}

static void end(void) {
    printf("%d calls, %d refused\n", calls, refused);
    exit(failures != 0);
}

/* For calls that nothing can go on without. */
static void must(tl_status status) {
    if (was_refused(status))
        end();
    check(status);
}

static void write_idx(const char *path, unsigned char code, size_t size) {
    const unsigned char head[8] = {0, 0, code, 1, 0, 0, 0, 2}, content[16] = {0};
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(head, 1, 8, file) != 8 || fwrite(content, 1, 2 * size, file) != 2 * size)
        exit(1);
    fclose(file);
}

/* A matrix of the network's type. */
#define IN(name, r, c) (now.in_##name = tl_f64(now.name, r, c), now.in_##name.type = type)
#define OUT(name, r, c) (now.out_##name = tl_out_f64(now.name, r, c), now.out_##name.type = type)

/* Before each call: everything as it is when nothing is wrong. */
static void reset(void) {
    memset(&now, 0, sizeof now);
    now.labels[1] = 1;
    IN(x, ROWS, INPUTS);
    IN(values, 1, PARAMETERS);
    IN(a, 2, 2);
    IN(b, 2, 2);
    OUT(x, 2, 2);
    OUT(values, 1, PARAMETERS);
    OUT(probabilities, ROWS, CLASSES);
    OUT(gradient, 1, PARAMETERS);
    OUT(c, 2, 2);
    OUT(logits, 2, 2);
    OUT(elements, 1, 2);
    now.out_elements.type = TL_I32;
    must(tl_network_options_init(&now.network_options, sizeof now.network_options));
    must(tl_train_options_init(&now.train_options, sizeof now.train_options));
    now.train_options.batch = 2;
    now.train_options.iterations = 3;
    if (made != NULL)
        must(tl_network_free(&made));
}

/* A fresh network for a function that frees it; NULL if memory is refused. */
static tl_network **fresh(void) {
    tl_status status = tl_network_new(type, INPUTS, HIDDEN, CLASSES, NULL, &made);
    if (!was_refused(status))
        check(status);
    return &made;
}

static void wrong(const char *call, tl_status found, const char *expected) {
    failures++;
    fprintf(stderr, "%s gave %s; expected %s: %s\n", call, tl_status_name(found), expected, tl_last_error_message());
}

static void expect(const char *call, tl_status expected, tl_status found) {
    calls++;
    if (was_refused(found))
        return;
    if (expected != found)
        wrong(call, found, tl_status_name(expected));
    /* With too little room for the sizes, it tells how many there are. */
    if (found == TL_ERROR_LENGTH && strstr(call, "tl_idx_info") != NULL) {
        now.type = before.type;
        now.dimensions = before.dimensions;
    }
    if (found != TL_OK && tl_last_error_message()[0] == 0)
        wrong(call, found, "a message");
    if (found != TL_OK && made != NULL && strstr(call, "free") == NULL)
        wrong(call, found, "no network");
    if (found != TL_OK && memcmp(&now, &before, sizeof now) != 0)
        wrong(call, found, "no write to a buffer");
}

#define CALL(expected, prepare, call)                                                                                  \
    do {                                                                                                               \
        reset();                                                                                                       \
        prepare;                                                                                                       \
        memcpy(&before, &now, sizeof now);                                                                             \
        expect(#prepare "; " #call, expected, call);                                                                   \
    } while (0)

/* An address that is not aligned for anything but bytes. */
#define ODD(pointer) ((void *)((char *)(pointer) + 1))

static void test_all(void);
static void test_valid(void);

#define TRAIN(expected, prepare)                                                                                       \
    CALL(expected, now.train_options.prepare, tl_train(network, now.in_x, now.labels, 2, &now.train_options, &now.loss))
#define NEW(expected, prepare)                                                                                         \
    CALL(expected, now.network_options.prepare, tl_network_new(type, 4, 3, 2, &now.network_options, &made))

/* What only one function refuses. */
static void test_some(void) {
    const double nan = strtod("nan", NULL);
    CALL(TL_ERROR_SHAPE, , tl_network_new(type, 0, 1, 1, NULL, &made));
    CALL(TL_ERROR_SHAPE, , tl_network_new(type, SIZE_MAX, SIZE_MAX, 2, NULL, &made));
    CALL(TL_ERROR_MEMORY, , tl_network_new(type, (size_t)1 << 30, (size_t)1 << 9, 2, NULL, &made));
    CALL(TL_ERROR_TYPE, , tl_network_new(TL_I32, 1, 1, 1, NULL, &made));
    NEW(TL_ERROR_OPTION, activation = (tl_activation)2);
    NEW(TL_ERROR_OPTION, init = (tl_init)3);
    NEW(TL_ERROR_OPTION, init_std = nan);
    TRAIN(TL_ERROR_OPTION, batch = 0);
    TRAIN(TL_ERROR_OPTION, batch = SIZE_MAX);
    TRAIN(TL_ERROR_OPTION, learning_rate = -1);
    TRAIN(TL_ERROR_OPTION, learning_rate = nan);
    TRAIN(TL_ERROR_OPTION, learning_rate_decay = 0);
    TRAIN(TL_ERROR_OPTION, optimizer = (tl_optimizer)6);
    TRAIN(TL_ERROR_OPTION, sampling = (tl_sampling)2);
    TRAIN(TL_ERROR_OPTION, weight_decay = -1);
    CALL(TL_ERROR_OPTION, (now.train_options.optimizer = TL_ADAM, now.train_options.beta2 = 1),
         tl_train(network, now.in_x, now.labels, 2, &now.train_options, &now.loss));
    CALL(TL_ERROR_OPTION, , tl_numerical_gradient(network, now.in_x, now.labels, 2, 0, now.out_gradient));
    CALL(TL_ERROR_LABEL, now.labels[1] = 2, tl_gradient(network, now.in_x, now.labels, 2, now.out_gradient));
    CALL(TL_ERROR_LABEL, now.labels[1] = 2,
         tl_evaluate(network, now.in_x, now.labels, 2, &now.loss, &now.accuracy));
    CALL(TL_ERROR_LABEL, now.labels[1] = 2, tl_softmax_cross_entropy(now.out_logits, now.labels, 2, &now.loss));
    CALL(TL_ERROR_FORMAT, , tl_network_load("idx_u8", &made));
    CALL(TL_ERROR_FILE, , tl_network_load("/nowhere/model", &made));
    CALL(TL_ERROR_FILE, , tl_network_load("", &made));
    CALL(TL_ERROR_FILE, , tl_network_save(network, "/nowhere/model"));
    CALL(TL_ERROR_TYPE, , tl_idx_read("idx_u8", now.out_elements));
    CALL(TL_ERROR_TYPE, , tl_idx_read_labels("idx_i32", now.labels, 2));
    CALL(TL_OK, , tl_idx_read("idx_f64", tl_out_f64(now.elements, 1, 2)));
    CALL(TL_OK, , tl_idx_read("idx_u8", tl_out_u8(now.bytes, 2, 1)));
    CALL(TL_ERROR_LENGTH, (now.out_elements.rows = 2, now.out_elements.cols = 1),
         tl_idx_read("idx_i32", now.out_elements));
    CALL(TL_ERROR_FORMAT, , tl_idx_info("model", &now.type, &now.dimensions, now.sizes, 4));
    CALL(TL_ERROR_LEVEL, , tl_network_set_level(network, "mmx"));
    CALL(TL_ERROR_LEVEL, , tl_network_set_level(network, "\xff\xfe"));
    CALL(TL_ERROR_OPTION, , tl_gemm(1, now.in_a, now.in_b, 0, now.out_c, 0));
    CALL(TL_ERROR_OPTION, , tl_network_set_threads(network, 1025));
    CALL(TL_ERROR_OPTION, , tl_network_get_parameters(network, (tl_parameter)5, now.out_values));
    CALL(TL_ERROR_LENGTH, , tl_network_set_parameters(network, TL_W1, now.in_values));
    CALL(TL_ERROR_TYPE, now.in_b.type = type == TL_F32 ? TL_F64 : TL_F32,
         tl_gemm(1, now.in_a, now.in_b, 0, now.out_c, 1));
    CALL(TL_ERROR_LENGTH, now.out_x.row_stride = 1, tl_softmax(now.out_x));
}

int main(int argc, char **argv) {
    /* How often to make the valid calls, and no others. */
    int times = argc > 3 && strcmp(argv[2], "valid") == 0 ? atoi(argv[3]) : 0;
    with_freed = argc > 2;
    if (argc < 2 || chdir(argv[1]) != 0 || tl_abi_version() != TL_ABI_VERSION || strlen(tl_version()) < 5 ||
        strcmp(tl_level_name(0), "scalar") != 0 || tl_level_name(99) != NULL)
        return 1;
    write_idx("idx_u8", TL_U8, 1);
    write_idx("idx_i32", TL_I32, 4);
    write_idx("idx_f64", TL_F64, 8);
    for (type = TL_F32; type <= TL_F64; type = (tl_type)(type + 1)) {
        must(tl_network_new(type, INPUTS, HIDDEN, CLASSES, NULL, &network));
        dead = *fresh();
        must(tl_network_free(&made));
        must(tl_network_free(&made));
        must(tl_network_save(network, "model"));
        if (times > 0) {
            int i;
            /* From here on, tests/common/shim.c refuses memory. */
            signal(SIGABRT, SIG_DFL);
            for (i = 0; i < times; i++)
                test_valid();
        } else {
            test_all();
            test_some();
        }
        reset();
        must(tl_network_free(&network));
    }
    end();
}
