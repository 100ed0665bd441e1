/*
 * twolayer: trains, checks and runs a two-layer neural network in single or double precision.
 *
 *     probabilities = softmax(activation(X W1 + b1) W2 + b2)
 *
 *     tl_network *network;
 *     tl_network_new(TL_F32, 784, 50, 10, NULL, &network);
 *     tl_train(network, tl_u8(images, 60000, 784), labels, 60000, NULL, &loss);
 *     tl_predict(network, tl_u8(image, 1, 784), tl_out_f32(probabilities, 1, 10));
 *     tl_network_free(&network);
 *
 * Matrices are row-major, a row for each image or sample. All memory belongs to the caller, except networks.
 * Results are the same bits on every processor and for any number of threads. docs/c.md tells how to build and link.
 */
#ifndef TWOLAYER_H
#define TWOLAYER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* The result of a call. A call that fails writes to no buffer, unless its comment says so. Every function refuses
 * pointers that are NULL (where its comment does not allow it) or misaligned, output buffers that overlap other
 * buffers, and dimensions and lengths that do not fit. Later versions may add errors. */
typedef enum tl_status {
    TL_OK = 0,
    TL_ERROR_NULL = 1,        /* a required pointer is NULL */
    TL_ERROR_MISALIGNED = 2,  /* a pointer is not aligned for its type */
    TL_ERROR_LENGTH = 3,      /* dimensions or a length do not fit the network, another buffer or the file */
    TL_ERROR_OVERLAP = 4,     /* an output buffer overlaps another buffer */
    TL_ERROR_STRUCT_SIZE = 5, /* options of a wrong size, or with fields that this version does not know */
    TL_ERROR_HANDLE = 6,      /* not a live network */
    TL_ERROR_BUSY = 7,        /* another call uses the network: see Networks */
    TL_ERROR_SHAPE = 8,       /* no network or product can have these dimensions */
    TL_ERROR_LABEL = 9,       /* a label is not below the number of classes */
    TL_ERROR_OPTION = 10,     /* an option or argument has an invalid value */
    TL_ERROR_TYPE = 11,       /* an element type that is not possible here */
    TL_ERROR_LEVEL = 12,      /* no such instruction-set level, or this processor lacks it */
    TL_ERROR_FILE = 13,       /* a file cannot be opened, read or written */
    TL_ERROR_FORMAT = 14,     /* a file is damaged or of the wrong kind */
    TL_ERROR_DIVERGED = 15,   /* the loss or a weight became infinite or NaN */
    TL_ERROR_THREAD = 16,     /* the system refused to start a thread */
    TL_ERROR_MEMORY = 17,     /* not enough memory */
    TL_ERROR_INTERNAL = 18    /* a bug of the library: please report the message */
} tl_status;

/* What was wrong with the last failed call of this thread, in UTF-8; empty before the first failure. The text belongs
 * to the library and changes with the next failed call of the thread. */
const char *tl_last_error_message(void);

/* The name of a status, such as "TL_ERROR_LENGTH"; "unknown" for other numbers. The text is static. */
const char *tl_status_name(int32_t status);

/* ---- Data -------------------------------------------------------------------------------------------------------- */

/* The type of an element, numbered as in IDX files. Networks are TL_F32 or TL_F64. */
typedef enum tl_type {
    TL_U8 = 8, /* a pixel: 0 to 255 stand for 0 to 1 */
    TL_I8 = 9,
    TL_I16 = 11,
    TL_I32 = 12,
    TL_F32 = 13,
    TL_F64 = 14
} tl_type;

/* A matrix that is read: element (r, c) is data[r * row_stride + c * col_stride]. Strides count elements. Networks of
 * both types take TL_U8, TL_F32 and TL_F64. Rows of another float type, or with gaps, are copied for the call. */
typedef struct tl_matrix {
    const void *data;
    tl_type type;
    size_t rows;
    size_t cols;
    size_t row_stride;
    size_t col_stride;
} tl_matrix;

/* A matrix that is written: element (r, c) is data[r * row_stride + c]. The type is TL_F32 or TL_F64 (for tl_idx_read,
 * any). Gaps between rows are not written but belong to the buffer: what lies in them overlaps it, and no other thread
 * may write there during the call. */
typedef struct tl_matrix_out {
    void *data;
    tl_type type;
    size_t rows;
    size_t cols;
    size_t row_stride; /* at least cols */
} tl_matrix_out;

/* Matrices without gaps. */
static inline tl_matrix tl_u8(const uint8_t *data, size_t rows, size_t cols) {
    tl_matrix matrix = {data, TL_U8, rows, cols, cols, 1};
    return matrix;
}
static inline tl_matrix tl_f32(const float *data, size_t rows, size_t cols) {
    tl_matrix matrix = {data, TL_F32, rows, cols, cols, 1};
    return matrix;
}
static inline tl_matrix tl_f64(const double *data, size_t rows, size_t cols) {
    tl_matrix matrix = {data, TL_F64, rows, cols, cols, 1};
    return matrix;
}
static inline tl_matrix_out tl_out_u8(uint8_t *data, size_t rows, size_t cols) {
    tl_matrix_out matrix = {data, TL_U8, rows, cols, cols};
    return matrix;
}
static inline tl_matrix_out tl_out_f32(float *data, size_t rows, size_t cols) {
    tl_matrix_out matrix = {data, TL_F32, rows, cols, cols};
    return matrix;
}
static inline tl_matrix_out tl_out_f64(double *data, size_t rows, size_t cols) {
    tl_matrix_out matrix = {data, TL_F64, rows, cols, cols};
    return matrix;
}
/* The transpose: the same elements with rows and columns exchanged. */
static inline tl_matrix tl_transposed(tl_matrix a) {
    tl_matrix matrix = {a.data, a.type, a.cols, a.rows, a.col_stride, a.row_stride};
    return matrix;
}

/* Labels are classes, counted from 0, one for each row. This widens labels that are bytes. */
tl_status tl_labels_from_u8(const uint8_t *bytes, size_t count, uint32_t *labels);

/* ---- Networks ---------------------------------------------------------------------------------------------------- */

/* A network, with its optimiser and random generator. Threads may share it: calls that take it as const run at the same
 * time; any other call needs it alone. A call that would have to wait returns TL_ERROR_BUSY. */
typedef struct tl_network tl_network;

typedef enum tl_activation { TL_SIGMOID = 0, TL_RELU = 1 } tl_activation;

/* The standard deviation of the initial weights; biases are 0. */
typedef enum tl_init {
    TL_NORMAL = 0, /* init_std of the options */
    TL_XAVIER = 1, /* sqrt(1 / inputs of the unit), for sigmoid units */
    TL_HE = 2      /* sqrt(2 / inputs of the unit), for ReLU */
} tl_init;

/* Options begin with their size. The _init function, which is given sizeof the struct, sets every field to its default.
 * Where options are taken, NULL means the defaults. Later versions may add fields at the end. */
typedef struct tl_network_options {
    size_t size;              /* set by the _init function */
    tl_activation activation; /* of the hidden layer; default TL_SIGMOID */
    tl_init init;             /* default TL_NORMAL */
    double init_std;          /* with TL_NORMAL: 0 or more; default 0.01 */
    uint64_t seed;            /* of the weights, then of the batches; default 0 */
} tl_network_options;
tl_status tl_network_options_init(tl_network_options *options, size_t size);

/* What tl_network_new calls. */
tl_status tl_network_new_f32(tl_type type, size_t inputs, size_t hidden, size_t classes,
                             const tl_network_options *options, tl_network **network);
tl_status tl_network_new_f64(tl_type type, size_t inputs, size_t hidden, size_t classes,
                             const tl_network_options *options, tl_network **network);

/* Makes a network of TL_F32 or TL_F64, to be freed by tl_network_free. The same seed gives the same weights on every
 * machine. If the call fails, *network becomes NULL. Inline, so that programs that only use TL_F32 do not link the code
 * for TL_F64. */
static inline tl_status tl_network_new(tl_type type, size_t inputs, size_t hidden, size_t classes,
                                       const tl_network_options *options, tl_network **network) {
    return type == TL_F64 ? tl_network_new_f64(type, inputs, hidden, classes, options, network)
                          : tl_network_new_f32(type, inputs, hidden, classes, options, network);
}

/* Frees a network and sets *network to NULL. If it is NULL already, nothing happens. No other call may use it. */
tl_status tl_network_free(tl_network **network);

typedef struct tl_network_info {
    size_t size;              /* sizeof(tl_network_info) */
    tl_type type;             /* TL_F32 or TL_F64 */
    tl_activation activation; /* of the hidden layer */
    size_t inputs;
    size_t hidden;
    size_t classes;
    size_t iterations; /* the steps that the optimiser has taken */
    size_t threads;    /* the most that a call uses; where the number is chosen, that of the processors */
    const char *level; /* one of tl_level_name */
} tl_network_info;

/* Describes a network. `size` is sizeof(tl_network_info). */
tl_status tl_network_get_info(const tl_network *network, tl_network_info *info, size_t size);

/* Parameters, and their dimensions. */
typedef enum tl_parameter {
    TL_ALL = 0, /* W1, b1, W2, b2, each row by row: 1 x ((inputs + 1) * hidden + (hidden + 1) * classes) */
    TL_W1 = 1,  /* inputs x hidden */
    TL_B1 = 2,  /* 1 x hidden */
    TL_W2 = 3,  /* hidden x classes */
    TL_B2 = 4   /* 1 x classes */
} tl_parameter;

/* Copies parameters to `values`, or from it. */
tl_status tl_network_get_parameters(const tl_network *network, tl_parameter parameter, tl_matrix_out values);
tl_status tl_network_set_parameters(tl_network *network, tl_parameter parameter, tl_matrix values);

/* Restarts the generator that batches are drawn from. */
tl_status tl_network_set_seed(tl_network *network, uint64_t seed);

/* The most threads of a call, the calling one included: 1 to 1024, or 0 (the default) for a number up to that of the
 * processors that is chosen by measuring. They sleep 50 microseconds after a call and end when the network is freed.
 * Training uses at most one thread for each 16 hidden units. */
tl_status tl_network_set_threads(tl_network *network, size_t threads);

/* The instruction-set level, one of tl_level_name; by default the best one. */
tl_status tl_network_set_level(tl_network *network, const char *name);

/* The probability of each class for each row: x is rows x inputs, probabilities are rows x classes. */
tl_status tl_predict(const tl_network *network, tl_matrix x, tl_matrix_out probabilities);

/* The most probable class of each row, the first one of equals. `count` is the number of rows. */
tl_status tl_classify(const tl_network *network, tl_matrix x, uint32_t *classes, size_t count);

/* The mean loss over the rows, -ln p(label), and the accuracy: the share of rows, 0 to 1, whose most probable class is
 * their label. `count` is the number of labels, and of rows. */
tl_status tl_evaluate(const tl_network *network, tl_matrix x, const uint32_t *labels, size_t count, double *loss,
                      double *accuracy);

/* ---- Training ---------------------------------------------------------------------------------------------------- */

/* How a gradient g changes a weight w; the forms of "Deep Learning from Scratch", chapter 6. */
typedef enum tl_optimizer {
    TL_SGD = 0, /* w -= learning_rate g */
    TL_MOMENTUM = 1,
    TL_NESTEROV = 2,
    TL_ADAGRAD = 3,
    TL_RMSPROP = 4,
    TL_ADAM = 5
} tl_optimizer;

/* How batches are drawn. */
typedef enum tl_sampling {
    TL_WITH_REPLACEMENT = 0, /* every row at random */
    TL_SHUFFLED = 1          /* each epoch takes the rows in a new random order and skips an incomplete last batch */
} tl_sampling;

/* Called once an iteration, on the thread that called tl_train, with the mean loss of the batch before its step.
 * Returns 0 to continue, anything else to stop after this step. It must return normally and not use the network. */
typedef int (*tl_progress)(void *user, size_t iteration, double loss);

typedef struct tl_train_options {
    size_t size;                /* set by the _init function */
    size_t batch;               /* rows of a batch: 1 to 2^24; default 100 */
    size_t iterations;          /* steps to take; default 10000 */
    double learning_rate;       /* 0 or more; default 0.1; usually 0.001 with TL_RMSPROP and TL_ADAM */
    double learning_rate_decay; /* above 0: the rate's factor after each epoch of rows / batch iterations; default 1 */
    tl_optimizer optimizer;     /* default TL_SGD */
    tl_sampling sampling;       /* default TL_WITH_REPLACEMENT */
    double momentum;            /* of TL_MOMENTUM and TL_NESTEROV: 0 to below 1; default 0.9 */
    double decay_rate;          /* of TL_RMSPROP: 0 to below 1; default 0.99 */
    double beta1;               /* of TL_ADAM: 0 to below 1; default 0.9 */
    double beta2;               /* of TL_ADAM: 0 to below 1; default 0.999 */
    double weight_decay;        /* adds this times w to the gradient of W1 and W2: 0 or more; default 0 */
    tl_progress progress;       /* or NULL; default NULL */
    void *user;                 /* given to progress; default NULL */
} tl_train_options;
tl_status tl_train_options_init(tl_train_options *options, size_t size);

/* Trains on batches drawn from x, rows x inputs. `count` is the number of labels, and of rows. `loss` becomes the mean
 * loss of the last batch before its step, NaN without a step. With TL_ERROR_DIVERGED, the network has the parameters of
 * that moment, and `loss` is NaN.
 * A call with the same optimiser and settings as the one before continues it, so that several calls give the same
 * network as one, unless `progress` stops a call: up to two batches that were drawn ahead are lost then. Another
 * optimiser starts from iteration 0.
 * A step on a batch of your own: x is the batch, `batch` the number of its rows, with one iteration and TL_SHUFFLED. */
tl_status tl_train(tl_network *network, tl_matrix x, const uint32_t *labels, size_t count,
                   const tl_train_options *options, double *loss);

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

/* The gradient of the mean loss by backpropagation, in the order and dimensions of TL_ALL. */
tl_status tl_gradient(const tl_network *network, tl_matrix x, const uint32_t *labels, size_t count,
                      tl_matrix_out gradient);

/* The same gradient by central differences, (L(p + h) - L(p - h)) / 2h for every parameter p, computed in double
 * precision. h is above 0; 1e-4 is usual. */
tl_status tl_numerical_gradient(const tl_network *network, tl_matrix x, const uint32_t *labels, size_t count, double h,
                                tl_matrix_out gradient);

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* Writes a model file (safetensors), whole or not at all. Parameters that are infinite or NaN are refused. A checkpoint
 * also holds the state of the optimiser and the generator. */
tl_status tl_network_save(const tl_network *network, const char *path);
tl_status tl_network_save_checkpoint(const tl_network *network, const char *path);

/* Reads a model file of either element type, to be freed by tl_network_free. Training a network from a checkpoint with
 * the same data and options continues as if it had not been interrupted; from another file, it starts as with seed 0.
 * If the call fails, *network becomes NULL. */
tl_status tl_network_load(const char *path, tl_network **network);

/* The element type and dimensions of an IDX file, raw or gzip. If there are more than `sizes_length` dimensions, the
 * call fails with TL_ERROR_LENGTH, but `type` and `dimensions` are written. */
tl_status tl_idx_info(const char *path, tl_type *type, size_t *dimensions, size_t *sizes, size_t sizes_length);

/* Reads an IDX file of the type of `elements`, a matrix without gaps with as many elements as the file. If the file
 * turns out to be damaged late, the elements are unspecified. */
tl_status tl_idx_read(const char *path, tl_matrix_out elements);

/* Reads an IDX file of `count` labels, which are bytes there. */
tl_status tl_idx_read_labels(const char *path, uint32_t *labels, size_t count);

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

/* The matrix product C = alpha A B + beta C: A is m x k, B is k x n, C is m x n, all of one type, TL_F32 or TL_F64.
 * With beta 0, C is not read. `threads` is the most threads, 1 to 1024; they end with the call. */
tl_status tl_gemm(double alpha, tl_matrix a, tl_matrix b, double beta, tl_matrix_out c, size_t threads);

/* Replace each element of x, TL_F32 or TL_F64, by e^x and 1 / (1 + e^-x). */
tl_status tl_exp(tl_matrix_out x);
tl_status tl_sigmoid(tl_matrix_out x);

/* Replaces each row of logits, TL_F32 or TL_F64, by its softmax. */
tl_status tl_softmax(tl_matrix_out logits);

/* Gives the mean loss over the rows, -ln softmax(logits) at the label, and replaces the logits by its gradient,
 * (softmax - one-hot) / rows. `count` is the number of labels, and of rows. */
tl_status tl_softmax_cross_entropy(tl_matrix_out logits, const uint32_t *labels, size_t count, double *loss);

/* ---- Versions ---------------------------------------------------------------------------------------------------- */

/* The name of an instruction-set level of this processor, lowest first: "scalar", "avx2", "avx512", "neon". `index`
 * counts from 0; NULL beyond the last one. The text is static. */
const char *tl_level_name(size_t index);

/* The version of the library, such as "0.1.0". The text is static. */
const char *tl_version(void);

/* Libraries with the same number are compatible; functions, errors and fields at the end of structs may be added.
 * tl_abi_version gives that of the library, TL_ABI_VERSION is that of this header. */
#define TL_ABI_VERSION 1
uint32_t tl_abi_version(void);

#ifdef __cplusplus
}
#endif

#endif
