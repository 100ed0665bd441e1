/*
 * Checks the gradient by backpropagation against central differences, on made-up rows.
 */
#include <math.h>
#include <stdio.h>
#include <twolayer.h>

#define INPUTS 12
#define HIDDEN 20
#define CLASSES 4
#define ROWS 8
#define PARAMETERS ((INPUTS + 1) * HIDDEN + (HIDDEN + 1) * CLASSES)

int main(void) {
    static double x[ROWS * INPUTS], gradient[PARAMETERS], differences[PARAMETERS];
    uint8_t labels[ROWS];
    tl_network_f64 *network;
    tl_status status;
    double worst = 0;
    int i;
    for (i = 0; i < ROWS * INPUTS; i++)
        x[i] = (double)(i * 37 % 101) / 101;
    for (i = 0; i < ROWS; i++)
        labels[i] = (uint8_t)(i % CLASSES);

    status = tl_network_new_f64(INPUTS, HIDDEN, CLASSES, 1, &network);
    if (status == TL_STATUS_OK)
        status = tl_gradient_f64(network, x, ROWS * INPUTS, labels, ROWS, gradient, PARAMETERS);
    if (status == TL_STATUS_OK)
        status = tl_numerical_gradient_f64(network, x, ROWS * INPUTS, labels, ROWS, 1e-4, differences, PARAMETERS);
    if (status != TL_STATUS_OK) {
        fprintf(stderr, "error: %s\n", tl_last_error_message());
        return 1;
    }
    for (i = 0; i < PARAMETERS; i++)
        worst = fmax(worst, fabs(gradient[i] - differences[i]));
    printf("%d parameters: the gradients differ by at most %.1e\n", PARAMETERS, worst);
    tl_network_free_f64(&network);
    return worst < 1e-9 ? 0 : 1;
}
