/*
 * Checks the gradient by backpropagation against central differences, on made-up rows.
 */
#include "digits.h"
#include <math.h>

#define INPUTS 12
#define HIDDEN 20
#define CLASSES 4
#define ROWS 8
#define PARAMETERS ((INPUTS + 1) * HIDDEN + (HIDDEN + 1) * CLASSES)

int main(void) {
    static double rows[ROWS * INPUTS], gradient[PARAMETERS], differences[PARAMETERS];
    const tl_matrix x = tl_f64(rows, ROWS, INPUTS);
    uint32_t labels[ROWS];
    tl_network *network;
    double worst = 0;
    int i;
    for (i = 0; i < ROWS * INPUTS; i++)
        rows[i] = (double)(i * 37 % 101) / 101;
    for (i = 0; i < ROWS; i++)
        labels[i] = (uint32_t)i % CLASSES;

    check(tl_network_new(TL_F64, INPUTS, HIDDEN, CLASSES, NULL, &network));
    check(tl_gradient(network, x, labels, ROWS, tl_out_f64(gradient, 1, PARAMETERS)));
    check(tl_numerical_gradient(network, x, labels, ROWS, 1e-4, tl_out_f64(differences, 1, PARAMETERS)));
    for (i = 0; i < PARAMETERS; i++)
        if (fabs(gradient[i] - differences[i]) > worst)
            worst = fabs(gradient[i] - differences[i]);
    printf("%d parameters: the gradients differ by at most %.1e\n", PARAMETERS, worst);
    check(tl_network_free(&network));
    return worst < 1e-9 ? 0 : 1;
}
