/*
 * What the calls that are made from the header need: valid arguments of every name that occurs there, and a look at
 * every buffer after a call that had to fail.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <twolayer.h>

enum { INPUTS = 4, HIDDEN = 3, CLASSES = 2, ROWS = 2, PARAMETERS = 23 };

/* Every buffer that is read or written, with as much room again. After a call that failed, none may have changed. */
static struct buffers {
    float x_f32[2 * 8], values_f32[2 * PARAMETERS], probabilities_f32[2 * 4], gradient_f32[2 * PARAMETERS], a_f32[2 * 4], b_f32[2 * 4], c_f32[2 * 4];
    double x_f64[2 * 8], values_f64[2 * PARAMETERS], probabilities_f64[2 * 4], gradient_f64[2 * PARAMETERS], a_f64[2 * 4], b_f64[2 * 4], c_f64[2 * 4];
    double loss, accuracy;
    uint32_t labels_u32[2 * 2], classes_u32[2 * 2];
    uint8_t x_u8[2 * 8], labels_u8[2 * 2];
    size_t count, inputs, hidden, classes, iterations, threads, sizes[2 * 4];
    uint8_t elements_u8[2 * 2];
    int8_t elements_i8[2 * 2];
    int16_t elements_i16[2 * 2];
    int32_t elements_i32[2 * 2];
    float elements_f32[2 * 2];
    double elements_f64[2 * 2];
    tl_train_options train_options;
    tl_run_options run_options;
    tl_matrix_f32 a_view_f32, b_view_f32;
    tl_matrix_f64 a_view_f64, b_view_f64;
    tl_matrix_mut_f32 c_view_f32;
    tl_matrix_mut_f64 c_view_f64;
    char name[16];
    int32_t element;
    size_t dimensions;
} now, before;

static tl_network_f32 *network_f32, *made_f32, *dead_f32;
static tl_network_f64 *network_f64, *made_f64, *dead_f64;
static char model_f32[4096], model_f64[4096], saved[4096], idx_u8[4096], idx_i8[4096], idx_i16[4096], idx_i32[4096],
    idx_f32[4096], idx_f64[4096];
static int failures, calls, with_freed;

static void must(tl_status status) {
    if (status != TL_STATUS_OK) {
        fprintf(stderr, "cannot prepare: %s\n", tl_last_error_message());
        exit(1);
    }
}

static void write_idx(char *path, const char *folder, const char *name, unsigned char code, size_t size) {
    const unsigned char head[8] = {0, 0, code, 1, 0, 0, 0, 2}, zeros[16] = {0};
    FILE *file;
    snprintf(path, 4096, "%s/%s", folder, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(head, 1, 8, file) != 8 || fwrite(zeros, 1, 2 * size, file) != 2 * size)
        exit(1);
    fclose(file);
}

/* Before each call: everything as it is when nothing is wrong. */
static void reset(void) {
    const tl_matrix_f32 a32 = {now.a_f32, 4, 2, 2, 2, 1}, b32 = {now.b_f32, 4, 2, 2, 2, 1};
    const tl_matrix_f64 a64 = {now.a_f64, 4, 2, 2, 2, 1}, b64 = {now.b_f64, 4, 2, 2, 2, 1};
    const tl_matrix_mut_f32 c32 = {now.c_f32, 4, 2, 2, 2};
    const tl_matrix_mut_f64 c64 = {now.c_f64, 4, 2, 2, 2};
    int i;
    memset(&now, 0, sizeof now);
    for (i = 0; i < 8; i++) {
        now.x_f32[i] = (float)i / 8;
        now.x_f64[i] = (double)i / 8;
        now.x_u8[i] = (uint8_t)(i * 30);
    }
    now.labels_u8[1] = 1;
    now.labels_u32[1] = 1;
    now.a_view_f32 = a32;
    now.b_view_f32 = b32;
    now.c_view_f32 = c32;
    now.a_view_f64 = a64;
    now.b_view_f64 = b64;
    now.c_view_f64 = c64;
    must(tl_train_options_init(&now.train_options, sizeof now.train_options));
    must(tl_run_options_init(&now.run_options, sizeof now.run_options));
    now.train_options.batch = 2;
    now.train_options.iterations = 3;
    if (made_f32 != NULL)
        must(tl_network_free_f32(&made_f32));
    if (made_f64 != NULL)
        must(tl_network_free_f64(&made_f64));
    before = now;
}

/* A fresh network for a function that frees it. */
static tl_network_f32 **fresh_f32(void) {
    must(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 1, &made_f32));
    return &made_f32;
}

static tl_network_f64 **fresh_f64(void) {
    must(tl_network_new_f64(INPUTS, HIDDEN, CLASSES, 1, &made_f64));
    return &made_f64;
}

static void expect(const char *call, tl_status expected, tl_status found) {
    calls++;
    if (expected != found) {
        failures++;
        fprintf(stderr, "%s gave %s, not %s: %s\n", call, tl_status_name(found), tl_status_name(expected),
                tl_last_error_message());
    }
    if (found != TL_STATUS_OK && tl_last_error_message()[0] == 0) {
        failures++;
        fprintf(stderr, "%s failed without a message\n", call);
    }
    /* With too little room for the sizes, it tells how many there are. */
    if (found == TL_STATUS_LENGTH && strncmp(call, "tl_idx_info", 11) == 0) {
        now.element = before.element;
        now.dimensions = before.dimensions;
    }
    if (found != TL_STATUS_OK && (made_f32 != NULL || made_f64 != NULL) && strstr(call, "free") == NULL) {
        failures++;
        fprintf(stderr, "%s failed and made a network\n", call);
    }
    if (found != TL_STATUS_OK && memcmp(&now, &before, sizeof now) != 0) {
        failures++;
        fprintf(stderr, "%s failed and wrote to a buffer\n", call);
    }
}

#define CALL(expected, call)                                                                                           \
    do {                                                                                                               \
        reset();                                                                                                       \
        expect(#call, expected, call);                                                                                 \
    } while (0)

/* An address that is not aligned for anything but bytes. */
#define ODD(pointer) ((void *)((char *)(pointer) + 1))

static void test_all(void);

/* What only one function refuses. */
static void test_some(void) {
    const float nan = (float)strtod("nan", NULL);
    float matrix[6] = {0};
    tl_matrix_mut_f32 narrow = {matrix, 6, 2, 3, 2};
    tl_matrix_f32 beyond = {matrix, 6, 2, 3, 4, 1}, far = {matrix, 6, 2, 3, SIZE_MAX, 1};
    CALL(TL_STATUS_SHAPE, tl_network_new_f32(0, 1, 1, 0, &made_f32));
    CALL(TL_STATUS_SHAPE, tl_network_new_f32(SIZE_MAX, SIZE_MAX, 2, 0, &made_f32));
    CALL(TL_STATUS_MEMORY, tl_network_new_f64((size_t)1 << 30, (size_t)1 << 9, 2, 0, &made_f64));
    CALL(TL_STATUS_PRECISION, tl_network_load_f32(model_f64, &made_f32));
    CALL(TL_STATUS_PRECISION, tl_network_load_f64(model_f32, &made_f64));
    CALL(TL_STATUS_FORMAT, tl_network_load_f32(idx_u8, &made_f32));
    CALL(TL_STATUS_FILE, tl_network_load_f32("/nowhere/model", &made_f32));
    CALL(TL_STATUS_FILE, tl_network_load_f32("", &made_f32));
    CALL(TL_STATUS_FILE, tl_network_save_f32(network_f32, "/nowhere/model"));
    CALL(TL_STATUS_FORMAT, tl_idx_read_f32(idx_u8, now.elements_f32, 2));
    CALL(TL_STATUS_FORMAT, tl_idx_info(model_f32, &now.element, &now.dimensions, now.sizes, 4));
    CALL(TL_STATUS_LEVEL, tl_network_set_level_f32(network_f32, "mmx"));
    CALL(TL_STATUS_LEVEL, tl_network_set_level_f32(network_f32, ""));
    CALL(TL_STATUS_LEVEL, tl_network_set_level_f32(network_f32, "\xff\xfe"));
    CALL(TL_STATUS_OPTION, tl_level_name(99, now.name, 16));
    CALL(TL_STATUS_OPTION, tl_network_set_threads_f32(network_f32, 1025));
    CALL(TL_STATUS_OPTION, tl_network_get_parameters_f32(network_f32, 5, now.values_f32, PARAMETERS));
    CALL(TL_STATUS_OPTION, tl_network_set_parameters_f32(network_f32, -1, now.values_f32, PARAMETERS));
    CALL(TL_STATUS_OPTION, tl_step_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, -1, &now.loss));
    CALL(TL_STATUS_OPTION, tl_step_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, nan, &now.loss));
    CALL(TL_STATUS_OPTION,
         tl_numerical_gradient_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, 0, now.gradient_f64, PARAMETERS));
    reset();
    now.labels_u8[1] = 2;
    before = now;
    expect("a label that is no class", TL_STATUS_LABEL,
           tl_gradient_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, now.gradient_f32, PARAMETERS));
    expect("a label that is no class", TL_STATUS_LABEL,
           tl_evaluate_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, &now.loss, &now.accuracy));
    now.labels_u32[0] = 2;
    before = now;
    expect("a label that is no column", TL_STATUS_LABEL,
           tl_cross_entropy_f32(NULL, &now.a_view_f32, now.labels_u32, 2, &now.loss));
    CALL(TL_STATUS_LENGTH, tl_softmax_f32(NULL, &narrow));
    CALL(TL_STATUS_LENGTH, tl_gemm_f32(NULL, 1, &beyond, &now.b_view_f32, 0, &now.c_view_f32));
    CALL(TL_STATUS_LENGTH, tl_gemm_f32(NULL, 1, &far, &now.b_view_f32, 0, &now.c_view_f32));
    reset();
    now.c_view_f32.data = now.a_f32 + 3;
    before = now;
    expect("a product over its own factor", TL_STATUS_OVERLAP,
           tl_gemm_f32(NULL, 1, &now.a_view_f32, &now.b_view_f32, 0, &now.c_view_f32));
    reset();
    now.b_view_f32.rows = 1;
    before = now;
    expect("a product that does not fit", TL_STATUS_SHAPE,
           tl_gemm_f32(NULL, 1, &now.a_view_f32, &now.b_view_f32, 0, &now.c_view_f32));
    reset();
    now.a_view_f64.data = NULL;
    before = now;
    expect("a matrix of nothing", TL_STATUS_NULL_POINTER,
           tl_gemm_f64(NULL, 1, &now.a_view_f64, &now.b_view_f64, 0, &now.c_view_f64));
    reset();
    now.c_view_f64.data = ODD(now.c_f64);
    before = now;
    expect("a matrix at an odd address", TL_STATUS_MISALIGNED, tl_softmax_f64(NULL, &now.c_view_f64));
    reset();
    now.train_options.batch = 0;
    before = now;
    expect("a batch of nothing", TL_STATUS_OPTION,
           tl_train_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, &now.train_options, &now.iterations, &now.loss));
    now.train_options.batch = SIZE_MAX;
    before = now;
    expect("a batch of more than all", TL_STATUS_OPTION,
           tl_train_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, &now.train_options, &now.iterations, &now.loss));
    now.train_options.batch = 1 << 24;
    now.train_options.numerical_h = -1;
    before = now;
    expect("a step back", TL_STATUS_OPTION,
           tl_train_f32(network_f32, now.x_f32, 8, now.labels_u8, 2, &now.train_options, &now.iterations, &now.loss));
    reset();
    now.run_options.threads = 0;
    before = now;
    expect("no thread", TL_STATUS_OPTION, tl_sigmoid_f32(&now.run_options, now.x_f32, 8));
    now.run_options.threads = 1;
    now.run_options.level = "mmx";
    before = now;
    expect("no such level", TL_STATUS_LEVEL, tl_sigmoid_f32(&now.run_options, now.x_f32, 8));
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    with_freed = argc > 2;
    snprintf(model_f32, 4096, "%s/model_f32", argv[1]);
    snprintf(model_f64, 4096, "%s/model_f64", argv[1]);
    snprintf(saved, 4096, "%s/saved", argv[1]);
    write_idx(idx_u8, argv[1], "idx_u8", 0x08, 1);
    write_idx(idx_i8, argv[1], "idx_i8", 0x09, 1);
    write_idx(idx_i16, argv[1], "idx_i16", 0x0B, 2);
    write_idx(idx_i32, argv[1], "idx_i32", 0x0C, 4);
    write_idx(idx_f32, argv[1], "idx_f32", 0x0D, 4);
    write_idx(idx_f64, argv[1], "idx_f64", 0x0E, 8);
    must(tl_network_new_f32(INPUTS, HIDDEN, CLASSES, 1, &network_f32));
    must(tl_network_new_f64(INPUTS, HIDDEN, CLASSES, 1, &network_f64));
    must(tl_network_save_f32(network_f32, model_f32));
    must(tl_network_save_f64(network_f64, model_f64));
    dead_f32 = *fresh_f32();
    must(tl_network_free_f32(&made_f32));
    dead_f64 = *fresh_f64();
    must(tl_network_free_f64(&made_f64));
    must(tl_network_free_f64(&made_f64));
    if (tl_abi_version() != TL_ABI_VERSION || strlen(tl_version()) < 5)
        return 1;
    test_all();
    test_some();
    reset();
    must(tl_network_free_f32(&network_f32));
    must(tl_network_free_f64(&network_f64));
    printf("%d calls\n", calls);
    return failures != 0;
}
