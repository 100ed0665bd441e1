/*
 * twolayer: trains, checks and runs a two-layer neural network.
 *
 *     probabilities = softmax(activation(X W1 + b1) W2 + b2)
 *
 * Functions that can fail return a tl_status: TL_STATUS_OK (0) or an error that tl_last_error_message() explains. A
 * failed call leaves output buffers unchanged unless its comment says otherwise.
 *
 * Suffixes: _f32 and _f64 are the network's element type; _u8 takes pixels, bytes 0 to 255 that stand for 0 to 1.
 * Matrices are row-major. Lengths count elements and must match exactly, except the sizes of text buffers, of `sizes`
 * and of strided matrices, which are minimums. NULL, misaligned and overlapping buffers are refused. Buffers belong to
 * the caller. Labels are classes from 0 on, a byte each.
 *
 * Results are the same bits at every instruction-set level and for any number of threads.
 *
 * Networks are freed by tl_network_free_*, which sets the caller's pointer to NULL. Threads may share a network through
 * functions that take it as const; a call that would have to wait for another one returns TL_STATUS_BUSY. Free a
 * network after all other calls have returned.
 *
 * The library prints nothing, reads no environment variable and installs no signal handler. It starts threads for large
 * products, which end with the call, and for networks, which sleep between calls and end when the network is freed.
 * It keeps the last message of each thread and, once per process, a panic hook and some 50 bytes about the main thread.
 * A call checks that its memory is available and returns TL_STATUS_MEMORY if not. An allocation that fails after that
 * check, or one of the last 16 kB, aborts the process.
 *
 * Fill in structs that begin with a size by their _init function. Libraries with the same TL_ABI_VERSION are compatible;
 * functions, statuses and trailing struct fields may be added within it.
 *
 * Link with pkg-config: cc program.c $(pkg-config --cflags --libs twolayer), or
 * cc program.c -Iinclude libtwolayer.a -Wl,--gc-sections -lm -lpthread -ldl. Requires C99 or C++11.
 */


#ifndef TWOLAYER_H
#define TWOLAYER_H

/* Made from the library's source by cbindgen; see crates/capi/cbindgen.toml. Do not edit. */

#include <stddef.h>
#include <stdint.h>

/**
 * The version of the binary interface of this header. It changes when a program built with one
 * header cannot use the library of another.
 */
#define TL_ABI_VERSION 1

/**
 * The result of a call. Later versions may add others.
 */
enum tl_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success.
     */
    TL_STATUS_OK = 0,
    /**
     * A required pointer is NULL.
     */
    TL_STATUS_NULL_POINTER = 1,
    /**
     * A pointer is not aligned for what it points to.
     */
    TL_STATUS_MISALIGNED = 2,
    /**
     * A length does not fit the shape, another length or the file, or a buffer is longer than the address space.
     */
    TL_STATUS_LENGTH = 3,
    /**
     * An output buffer overlaps another buffer.
     */
    TL_STATUS_OVERLAP = 4,
    /**
     * The size of a struct is invalid, or fields that this version does not know are not zero.
     */
    TL_STATUS_STRUCT_SIZE = 5,
    /**
     * Not a live network of this type.
     */
    TL_STATUS_HANDLE = 6,
    /**
     * The network is being changed by another call, or this call would change it while another one uses it.
     */
    TL_STATUS_BUSY = 7,
    /**
     * No network or matrix product can have these dimensions.
     */
    TL_STATUS_SHAPE = 8,
    /**
     * A label is not below the number of classes.
     */
    TL_STATUS_LABEL = 9,
    /**
     * An option or argument has an invalid value.
     */
    TL_STATUS_OPTION = 10,
    /**
     * No instruction-set level has this name, or this processor lacks it.
     */
    TL_STATUS_LEVEL = 11,
    /**
     * A file could not be opened, read or written.
     */
    TL_STATUS_FILE = 12,
    /**
     * A file is damaged or of the wrong kind.
     */
    TL_STATUS_FORMAT = 13,
    /**
     * The model file has the other precision: use the function with the other suffix.
     */
    TL_STATUS_PRECISION = 14,
    /**
     * Training diverged: the loss or a weight is infinite or NaN. The network has the parameters of that moment.
     */
    TL_STATUS_DIVERGED = 15,
    /**
     * The system refused to start a thread.
     */
    TL_STATUS_THREAD = 16,
    /**
     * Not enough memory.
     */
    TL_STATUS_MEMORY = 17,
    /**
     * A bug of the library; please report its message.
     */
    TL_STATUS_INTERNAL = 18,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_status tl_status;
#else
typedef int32_t tl_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * One of a network's parameters, or all of them. Matrices are row-major without gaps.
 */
enum tl_parameter
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * W1, b1, W2, b2, concatenated: (inputs + 1) x hidden + (hidden + 1) x classes elements.
     */
    TL_PARAMETER_ALL = 0,
    /**
     * Weights of the hidden layer, inputs x hidden.
     */
    TL_PARAMETER_W1 = 1,
    /**
     * Biases of the hidden layer, hidden.
     */
    TL_PARAMETER_B1 = 2,
    /**
     * Weights of the output layer, hidden x classes.
     */
    TL_PARAMETER_W2 = 3,
    /**
     * Biases of the output layer, classes.
     */
    TL_PARAMETER_B2 = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_parameter tl_parameter;
#else
typedef int32_t tl_parameter;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The type of the elements of an IDX file, numbered as in the file.
 */
enum tl_element
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Unsigned bytes: images and labels.
     */
    TL_ELEMENT_U8 = 8,
    /**
     * Signed bytes.
     */
    TL_ELEMENT_I8 = 9,
    /**
     * 16-bit integers.
     */
    TL_ELEMENT_I16 = 11,
    /**
     * 32-bit integers.
     */
    TL_ELEMENT_I32 = 12,
    /**
     * Single-precision numbers.
     */
    TL_ELEMENT_F32 = 13,
    /**
     * Double-precision numbers.
     */
    TL_ELEMENT_F64 = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_element tl_element;
#else
typedef int32_t tl_element;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A network in single precision.
 */
typedef struct tl_network_f32 tl_network_f32;

/**
 * A network in double precision.
 */
typedef struct tl_network_f64 tl_network_f64;

/**
 * Called once an iteration, on the thread that called the training function, with the mean loss of the iteration's
 * batch before its step. `user` is that of the options. Return 0 to continue, anything else to stop after the
 * current step. It must not throw, longjmp, end the thread or access the buffers of the call, and cannot use the
 * network: calls with it return `TL_STATUS_BUSY`.
 */
typedef int (*tl_progress)(void *user, size_t iteration, double loss);

/**
 * Training options. Initialise them by `tl_train_options_init`, then change fields.
 */
typedef struct tl_train_options {
    /**
     * `sizeof(tl_train_options)`, the version of the struct.
     */
    size_t size;
    /**
     * Rows of a mini-batch: 1 to 2^24. Default 100.
     */
    size_t batch;
    /**
     * The learning rate, 0 or more. Default 0.1.
     */
    double learning_rate;
    /**
     * Steps to take. Default 10000.
     */
    size_t iterations;
    /**
     * The number of the first step, for `progress` and messages: training may be split into several calls. Default 0.
     */
    size_t first_iteration;
    /**
     * 0 for backpropagation; above 0, for numerical gradients with this step, which are some
     * hundred times slower. Default 0.
     */
    double numerical_h;
    /**
     * Called once an iteration, or NULL. Default NULL.
     */
    tl_progress progress;
    /**
     * Given to `progress`. Default NULL.
     */
    void *user;
} tl_train_options;

/**
 * Options of a kernel. NULL means the best level on one thread.
 */
typedef struct tl_run_options {
    /**
     * `sizeof(tl_run_options)`, the version of the struct.
     */
    size_t size;
    /**
     * The name of an instruction-set level; NULL for the best one that this processor has. See `tl_level_name`.
     */
    const char *level;
    /**
     * Threads, including the calling one: 1 to 1024. Large calls start them, and they end before the call
     * returns. Results do not depend on it.
     */
    size_t threads;
} tl_run_options;

/**
 * A matrix of single precision that is read: element (r, c) is `data[r * row_stride + c * col_stride]`. A row-major
 * matrix without gaps has the strides `cols` and 1, its transpose 1 and `cols`.
 */
typedef struct tl_matrix_f32 {
    /**
     * The first element.
     */
    const float *data;
    /**
     * The number of readable elements, at least those of the matrix.
     */
    size_t length;
    /**
     * Number of rows.
     */
    size_t rows;
    /**
     * Number of columns.
     */
    size_t cols;
    /**
     * Elements from one row to the next.
     */
    size_t row_stride;
    /**
     * Elements from one column to the next.
     */
    size_t col_stride;
} tl_matrix_f32;

/**
 * A matrix of single precision that is written: element (r, c) is `data[r * row_stride + c]`.
 */
typedef struct tl_matrix_mut_f32 {
    /**
     * The first element.
     */
    float *data;
    /**
     * The number of writable elements, at least those of the matrix. The gaps between its rows
     * are not written.
     */
    size_t length;
    /**
     * Number of rows.
     */
    size_t rows;
    /**
     * Number of columns.
     */
    size_t cols;
    /**
     * Elements from one row to the next; at least `cols`.
     */
    size_t row_stride;
} tl_matrix_mut_f32;

/**
 * A matrix of double precision that is read: element (r, c) is `data[r * row_stride + c * col_stride]`. A row-major
 * matrix without gaps has the strides `cols` and 1, its transpose 1 and `cols`.
 */
typedef struct tl_matrix_f64 {
    /**
     * The first element.
     */
    const double *data;
    /**
     * The number of readable elements, at least those of the matrix.
     */
    size_t length;
    /**
     * Number of rows.
     */
    size_t rows;
    /**
     * Number of columns.
     */
    size_t cols;
    /**
     * Elements from one row to the next.
     */
    size_t row_stride;
    /**
     * Elements from one column to the next.
     */
    size_t col_stride;
} tl_matrix_f64;

/**
 * A matrix of double precision that is written: element (r, c) is `data[r * row_stride + c]`.
 */
typedef struct tl_matrix_mut_f64 {
    /**
     * The first element.
     */
    double *data;
    /**
     * The number of writable elements, at least those of the matrix. The gaps between its rows
     * are not written.
     */
    size_t length;
    /**
     * Number of rows.
     */
    size_t rows;
    /**
     * Number of columns.
     */
    size_t cols;
    /**
     * Elements from one row to the next; at least `cols`.
     */
    size_t row_stride;
} tl_matrix_mut_f64;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status, such as `TL_STATUS_LENGTH`; `TL_STATUS_UNKNOWN` for other numbers. The text is
 * static.
 */
const char *tl_status_name(int32_t status);

/**
 * The message of the last failed call on this thread, in UTF-8: what was found, what was expected and what to do.
 * Empty before the first failure; successful calls do not change it. The text belongs to the library, stays at the same
 * address for the life of the thread, and is overwritten by the next failed call on the thread. So read it after the
 * failed call, not in the same expression.
 */
const char *tl_last_error_message(void);

/**
 * The version of the library's binary interface, to be compared with `TL_ABI_VERSION`, the one
 * that a program was built for.
 */
uint32_t tl_abi_version(void);

/**
 * The version of the library, such as `0.1.0`. The text is static.
 */
const char *tl_version(void);

/**
 * The number of processors that this process may use.
 */
tl_status tl_processors(size_t *count);

/**
 * The number of instruction-set levels of this processor, at least 1.
 */
tl_status tl_level_count(size_t *count);

/**
 * The name of a level that this processor has, lowest first: `scalar`, `avx2`, `avx512`. `index` counts from 0;
 * `name_length` is the size of `name` in bytes; 16 is enough.
 */
tl_status tl_level_name(size_t index,
                        char *name,
                        size_t name_length);

/**
 * Creates a network with the notebook's initial weights: 0.01 times a standard normal distribution, biases zero. The
 * same seed gives the same weights on every machine and in every version with the same major number; the batches
 * of later training continue from the same generator. The network uses the best level and a number of threads chosen
 * by measuring. If the call fails, `*network` becomes NULL; its previous value is ignored.
 */
tl_status tl_network_new_f32(size_t inputs,
                             size_t hidden,
                             size_t classes,
                             uint64_t seed,
                             struct tl_network_f32 **network);

/**
 * As `tl_network_new_f32`, in double precision.
 */
tl_status tl_network_new_f64(size_t inputs,
                             size_t hidden,
                             size_t classes,
                             uint64_t seed,
                             struct tl_network_f64 **network);

/**
 * Creates a network with the caller's parameters, in the order of `TL_PARAMETER_ALL`. Batches of later
 * training are drawn as after `tl_network_set_seed_f32` with 0. If the call fails, `*network` becomes NULL.
 */
tl_status tl_network_from_parameters_f32(size_t inputs,
                                         size_t hidden,
                                         size_t classes,
                                         const float *parameters,
                                         size_t parameters_length,
                                         struct tl_network_f32 **network);

/**
 * As `tl_network_from_parameters_f32`, in double precision.
 */
tl_status tl_network_from_parameters_f64(size_t inputs,
                                         size_t hidden,
                                         size_t classes,
                                         const double *parameters,
                                         size_t parameters_length,
                                         struct tl_network_f64 **network);

/**
 * Reads a network from a model file (safetensors, as `twolayer train --out` writes it). A file of double precision is
 * refused with `TL_STATUS_PRECISION`. Batches of later training are drawn as after `tl_network_set_seed_f32` with 0.
 * If the call fails, `*network` becomes NULL.
 */
tl_status tl_network_load_f32(const char *path,
                              struct tl_network_f32 **network);

/**
 * As `tl_network_load_f32`, in double precision; a file of single precision is refused.
 */
tl_status tl_network_load_f64(const char *path, struct tl_network_f64 **network);

/**
 * Writes the network to a model file, whole or not at all: an old file is replaced once all is on disk.
 * Parameters that are infinite or NaN are refused.
 */
tl_status tl_network_save_f32(const struct tl_network_f32 *network,
                              const char *path);

/**
 * As `tl_network_save_f32`, in double precision.
 */
tl_status tl_network_save_f64(const struct tl_network_f64 *network, const char *path);

/**
 * Frees the network and sets `*network` to NULL. If it is NULL already, nothing happens.
 */
tl_status tl_network_free_f32(struct tl_network_f32 **network);

/**
 * As `tl_network_free_f32`, in double precision.
 */
tl_status tl_network_free_f64(struct tl_network_f64 **network);

/**
 * The network's dimensions.
 */
tl_status tl_network_shape_f32(const struct tl_network_f32 *network,
                               size_t *inputs,
                               size_t *hidden,
                               size_t *classes);

/**
 * As `tl_network_shape_f32`, in double precision.
 */
tl_status tl_network_shape_f64(const struct tl_network_f64 *network,
                               size_t *inputs,
                               size_t *hidden,
                               size_t *classes);

/**
 * Copies one parameter of the network, or all of them, to `values`, whose length must be that of the parameter.
 * `parameter` is one of `tl_parameter`.
 */
tl_status tl_network_get_parameters_f32(const struct tl_network_f32 *network,
                                        int32_t parameter,
                                        float *values,
                                        size_t values_length);

/**
 * As `tl_network_get_parameters_f32`, in double precision.
 */
tl_status tl_network_get_parameters_f64(const struct tl_network_f64 *network,
                                        int32_t parameter,
                                        double *values,
                                        size_t values_length);

/**
 * Sets one parameter of the network, or all of them, to `values`, whose length must be that of the parameter.
 */
tl_status tl_network_set_parameters_f32(struct tl_network_f32 *network,
                                        int32_t parameter,
                                        const float *values,
                                        size_t values_length);

/**
 * As `tl_network_set_parameters_f32`, in double precision.
 */
tl_status tl_network_set_parameters_f64(struct tl_network_f64 *network,
                                        int32_t parameter,
                                        const double *values,
                                        size_t values_length);

/**
 * Sets the seed of the batches of later training. The parameters stay.
 */
tl_status tl_network_set_seed_f32(struct tl_network_f32 *network, uint64_t seed);

/**
 * As `tl_network_set_seed_f32`, in double precision.
 */
tl_status tl_network_set_seed_f64(struct tl_network_f64 *network, uint64_t seed);

/**
 * The name of the network's instruction-set level. `name_length` is the size of `name` in bytes; 16 is enough.
 */
tl_status tl_network_level_f32(const struct tl_network_f32 *network,
                               char *name,
                               size_t name_length);

/**
 * As `tl_network_level_f32`, in double precision.
 */
tl_status tl_network_level_f64(const struct tl_network_f64 *network,
                               char *name,
                               size_t name_length);

/**
 * Sets the instruction-set level; see `tl_level_name`. All levels give the same results, to the bit.
 */
tl_status tl_network_set_level_f32(struct tl_network_f32 *network,
                                   const char *name);

/**
 * As `tl_network_set_level_f32`, in double precision.
 */
tl_status tl_network_set_level_f64(struct tl_network_f64 *network, const char *name);

/**
 * The number of threads that the network's calls use, including the calling one; the most, if it is chosen by measuring.
 */
tl_status tl_network_threads_f32(const struct tl_network_f32 *network,
                                 size_t *threads);

/**
 * As `tl_network_threads_f32`, in double precision.
 */
tl_status tl_network_threads_f64(const struct tl_network_f64 *network, size_t *threads);

/**
 * Sets the number of threads that the network's calls use, including the calling one: 1 to 1024, or 0, the default, for
 * a number up to that of the processors which is chosen by measuring, so that more threads are used only where they are
 * faster. Results do not depend on it. The first call with enough work starts the threads; they sleep between calls and
 * end when the network is freed or the number is set. A process made by fork starts its own. Training uses at most one
 * thread for each 16 hidden units.
 */
tl_status tl_network_set_threads_f32(struct tl_network_f32 *network,
                                     size_t threads);

/**
 * As `tl_network_set_threads_f32`, in double precision.
 */
tl_status tl_network_set_threads_f64(struct tl_network_f64 *network, size_t threads);

/**
 * The probability of each class for each row: rows x classes. `x` is rows x inputs, used as
 * it is.
 */
tl_status tl_predict_f32(const struct tl_network_f32 *network,
                         const float *x,
                         size_t x_length,
                         float *probabilities,
                         size_t probabilities_length);

/**
 * As `tl_predict_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_predict_u8_f32(const struct tl_network_f32 *network,
                            const uint8_t *x,
                            size_t x_length,
                            float *probabilities,
                            size_t probabilities_length);

/**
 * As `tl_predict_f32`, in double precision.
 */
tl_status tl_predict_f64(const struct tl_network_f64 *network,
                         const double *x,
                         size_t x_length,
                         double *probabilities,
                         size_t probabilities_length);

/**
 * As `tl_predict_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_predict_u8_f64(const struct tl_network_f64 *network,
                            const uint8_t *x,
                            size_t x_length,
                            double *probabilities,
                            size_t probabilities_length);

/**
 * The most probable class of each row, the first one of equals: a number for each row.
 */
tl_status tl_classify_f32(const struct tl_network_f32 *network,
                          const float *x,
                          size_t x_length,
                          uint32_t *classes,
                          size_t classes_length);

/**
 * As `tl_classify_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_classify_u8_f32(const struct tl_network_f32 *network,
                             const uint8_t *x,
                             size_t x_length,
                             uint32_t *classes,
                             size_t classes_length);

/**
 * As `tl_classify_f32`, in double precision.
 */
tl_status tl_classify_f64(const struct tl_network_f64 *network,
                          const double *x,
                          size_t x_length,
                          uint32_t *classes,
                          size_t classes_length);

/**
 * As `tl_classify_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_classify_u8_f64(const struct tl_network_f64 *network,
                             const uint8_t *x,
                             size_t x_length,
                             uint32_t *classes,
                             size_t classes_length);

/**
 * The mean loss over the rows, -ln p(label), and the accuracy, the share of rows whose most probable class is their
 * label. `labels` holds a class for each row.
 */
tl_status tl_evaluate_f32(const struct tl_network_f32 *network,
                          const float *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          double *loss,
                          double *accuracy);

/**
 * As `tl_evaluate_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_evaluate_u8_f32(const struct tl_network_f32 *network,
                             const uint8_t *x,
                             size_t x_length,
                             const uint8_t *labels,
                             size_t labels_length,
                             double *loss,
                             double *accuracy);

/**
 * As `tl_evaluate_f32`, in double precision.
 */
tl_status tl_evaluate_f64(const struct tl_network_f64 *network,
                          const double *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          double *loss,
                          double *accuracy);

/**
 * As `tl_evaluate_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_evaluate_u8_f64(const struct tl_network_f64 *network,
                             const uint8_t *x,
                             size_t x_length,
                             const uint8_t *labels,
                             size_t labels_length,
                             double *loss,
                             double *accuracy);

/**
 * The gradient of the mean loss with respect to every parameter, by backpropagation, in the order of
 * `TL_PARAMETER_ALL`.
 */
tl_status tl_gradient_f32(const struct tl_network_f32 *network,
                          const float *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          float *gradient,
                          size_t gradient_length);

/**
 * As `tl_gradient_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_gradient_u8_f32(const struct tl_network_f32 *network,
                             const uint8_t *x,
                             size_t x_length,
                             const uint8_t *labels,
                             size_t labels_length,
                             float *gradient,
                             size_t gradient_length);

/**
 * As `tl_gradient_f32`, in double precision.
 */
tl_status tl_gradient_f64(const struct tl_network_f64 *network,
                          const double *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          double *gradient,
                          size_t gradient_length);

/**
 * As `tl_gradient_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_gradient_u8_f64(const struct tl_network_f64 *network,
                             const uint8_t *x,
                             size_t x_length,
                             const uint8_t *labels,
                             size_t labels_length,
                             double *gradient,
                             size_t gradient_length);

/**
 * The same gradient by central differences, (L(p + h) - L(p - h)) / 2h for every parameter p, computed and
 * returned in double precision, to check `tl_gradient_f32`. `h` is the step, above 0; the notebook's is 1e-4.
 */
tl_status tl_numerical_gradient_f32(const struct tl_network_f32 *network,
                                    const float *x,
                                    size_t x_length,
                                    const uint8_t *labels,
                                    size_t labels_length,
                                    double h,
                                    double *gradient,
                                    size_t gradient_length);

/**
 * As `tl_numerical_gradient_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_numerical_gradient_u8_f32(const struct tl_network_f32 *network,
                                       const uint8_t *x,
                                       size_t x_length,
                                       const uint8_t *labels,
                                       size_t labels_length,
                                       double h,
                                       double *gradient,
                                       size_t gradient_length);

/**
 * As `tl_numerical_gradient_f32`, in double precision.
 */
tl_status tl_numerical_gradient_f64(const struct tl_network_f64 *network,
                                    const double *x,
                                    size_t x_length,
                                    const uint8_t *labels,
                                    size_t labels_length,
                                    double h,
                                    double *gradient,
                                    size_t gradient_length);

/**
 * As `tl_numerical_gradient_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_numerical_gradient_u8_f64(const struct tl_network_f64 *network,
                                       const uint8_t *x,
                                       size_t x_length,
                                       const uint8_t *labels,
                                       size_t labels_length,
                                       double h,
                                       double *gradient,
                                       size_t gradient_length);

/**
 * Fills in the options' defaults. `size` is `sizeof(tl_train_options)`; it is also stored in the first field.
 */
tl_status tl_train_options_init(struct tl_train_options *options,
                                size_t size);

/**
 * Takes one step of SGD on a batch of 1 to 2^24 rows: subtracts `learning_rate`
 * times the gradient. `loss` becomes the batch's mean loss before the step.
 */
tl_status tl_step_f32(struct tl_network_f32 *network,
                      const float *x,
                      size_t x_length,
                      const uint8_t *labels,
                      size_t labels_length,
                      double learning_rate,
                      double *loss);

/**
 * As `tl_step_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_step_u8_f32(struct tl_network_f32 *network,
                         const uint8_t *x,
                         size_t x_length,
                         const uint8_t *labels,
                         size_t labels_length,
                         double learning_rate,
                         double *loss);

/**
 * As `tl_step_f32`, in double precision.
 */
tl_status tl_step_f64(struct tl_network_f64 *network,
                      const double *x,
                      size_t x_length,
                      const uint8_t *labels,
                      size_t labels_length,
                      double learning_rate,
                      double *loss);

/**
 * As `tl_step_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_step_u8_f64(struct tl_network_f64 *network,
                         const uint8_t *x,
                         size_t x_length,
                         const uint8_t *labels,
                         size_t labels_length,
                         double learning_rate,
                         double *loss);

/**
 * Trains by mini-batch SGD on the caller's rows. Each batch is drawn uniformly, with
 * replacement, by the network's generator; see `tl_network_new_f32` and `tl_network_set_seed_f32`. Several calls of
 * some iterations each give the same network as one call, unless `progress` stops one: up to two batches
 * that were drawn ahead are lost then. `iterations` becomes the number of steps taken, and `loss` the mean loss of
 * the last batch before its step (NaN if no step was taken).
 */
tl_status tl_train_f32(struct tl_network_f32 *network,
                       const float *x,
                       size_t x_length,
                       const uint8_t *labels,
                       size_t labels_length,
                       const struct tl_train_options *options,
                       size_t *iterations,
                       double *loss);

/**
 * As `tl_train_f32`, for rows of pixels, 0 to 255.
 */
tl_status tl_train_u8_f32(struct tl_network_f32 *network,
                          const uint8_t *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          const struct tl_train_options *options,
                          size_t *iterations,
                          double *loss);

/**
 * As `tl_train_f32`, in double precision.
 */
tl_status tl_train_f64(struct tl_network_f64 *network,
                       const double *x,
                       size_t x_length,
                       const uint8_t *labels,
                       size_t labels_length,
                       const struct tl_train_options *options,
                       size_t *iterations,
                       double *loss);

/**
 * As `tl_train_f64`, for rows of pixels, 0 to 255.
 */
tl_status tl_train_u8_f64(struct tl_network_f64 *network,
                          const uint8_t *x,
                          size_t x_length,
                          const uint8_t *labels,
                          size_t labels_length,
                          const struct tl_train_options *options,
                          size_t *iterations,
                          double *loss);

/**
 * The element type (one of `tl_element`) and the dimensions of an IDX file, raw or gzip. There
 * are 1 to 255 dimensions. If `sizes` is too short, the call fails with `TL_STATUS_LENGTH`, but
 * `element` and `dimensions` are written. The file holds as many elements as the product of the sizes.
 */
tl_status tl_idx_info(const char *path,
                      int32_t *element,
                      size_t *dimensions,
                      size_t *sizes,
                      size_t sizes_length);

/**
 * Reads an IDX file of unsigned bytes, raw or gzip, into `elements`, whose length must be the product of the file's
 * sizes. If the file turns out to be damaged late, the content of `elements` is
 * unspecified.
 */
tl_status tl_idx_read_u8(const char *path,
                         uint8_t *elements,
                         size_t elements_length);

/**
 * As `tl_idx_read_u8`, of signed bytes.
 */
tl_status tl_idx_read_i8(const char *path, int8_t *elements, size_t elements_length);

/**
 * As `tl_idx_read_u8`, of 16-bit integers.
 */
tl_status tl_idx_read_i16(const char *path, int16_t *elements, size_t elements_length);

/**
 * As `tl_idx_read_u8`, of 32-bit integers.
 */
tl_status tl_idx_read_i32(const char *path, int32_t *elements, size_t elements_length);

/**
 * As `tl_idx_read_u8`, of single-precision numbers.
 */
tl_status tl_idx_read_f32(const char *path, float *elements, size_t elements_length);

/**
 * As `tl_idx_read_u8`, of double-precision numbers.
 */
tl_status tl_idx_read_f64(const char *path, double *elements, size_t elements_length);

/**
 * Fills in the options' defaults. `size` is `sizeof(tl_run_options)`; it is also stored in the first field.
 */
tl_status tl_run_options_init(struct tl_run_options *options,
                              size_t size);

/**
 * The matrix product C = alpha A B + beta C, where A is m x k, B is k x n and C is m x n. With `beta` 0, C is not
 * read and may be uninitialised. C must not overlap A or B.
 */
tl_status tl_gemm_f32(const struct tl_run_options *options,
                      float alpha,
                      const struct tl_matrix_f32 *a,
                      const struct tl_matrix_f32 *b,
                      float beta,
                      const struct tl_matrix_mut_f32 *c);

/**
 * As `tl_gemm_f32`, in double precision.
 */
tl_status tl_gemm_f64(const struct tl_run_options *options,
                      double alpha,
                      const struct tl_matrix_f64 *a,
                      const struct tl_matrix_f64 *b,
                      double beta,
                      const struct tl_matrix_mut_f64 *c);

/**
 * Replaces each element x by the sigmoid 1 / (1 + e^-x), on one thread.
 */
tl_status tl_sigmoid_f32(const struct tl_run_options *options, float *x, size_t x_length);

/**
 * As `tl_sigmoid_f32`, in double precision.
 */
tl_status tl_sigmoid_f64(const struct tl_run_options *options, double *x, size_t x_length);

/**
 * Replaces each row of logits by its softmax, probabilities that sum to 1, on one thread.
 */
tl_status tl_softmax_f32(const struct tl_run_options *options,
                         const struct tl_matrix_mut_f32 *logits);

/**
 * As `tl_softmax_f32`, in double precision.
 */
tl_status tl_softmax_f64(const struct tl_run_options *options,
                         const struct tl_matrix_mut_f64 *logits);

/**
 * The mean over the rows of logits of the cross-entropy, -ln of the softmax at the label. `labels` holds a column for
 * each row. Runs on one thread.
 */
tl_status tl_cross_entropy_f32(const struct tl_run_options *options,
                               const struct tl_matrix_f32 *logits,
                               const uint32_t *labels,
                               size_t labels_length,
                               double *loss);

/**
 * As `tl_cross_entropy_f32`, in double precision.
 */
tl_status tl_cross_entropy_f64(const struct tl_run_options *options,
                               const struct tl_matrix_f64 *logits,
                               const uint32_t *labels,
                               size_t labels_length,
                               double *loss);

/**
 * As `tl_cross_entropy_f32`, and replaces the logits by the gradient, (softmax - one-hot) / rows.
 */
tl_status tl_softmax_cross_entropy_f32(const struct tl_run_options *options,
                                       const struct tl_matrix_mut_f32 *logits,
                                       const uint32_t *labels,
                                       size_t labels_length,
                                       double *loss);

/**
 * As `tl_softmax_cross_entropy_f32`, in double precision.
 */
tl_status tl_softmax_cross_entropy_f64(const struct tl_run_options *options,
                                       const struct tl_matrix_mut_f64 *logits,
                                       const uint32_t *labels,
                                       size_t labels_length,
                                       double *loss);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TWOLAYER_H */
