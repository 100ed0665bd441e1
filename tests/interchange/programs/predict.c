/* Prints what a header's functions make of the images in a file, two lines an image: from pixels, and from numbers.
   REAL is the header's type; the header is called model.h. */
#include "model.h"
#include "model.h"
#include <stdio.h>

static void print(const REAL *probabilities)
{
    int k;
    for (k = 0; k < model_classes; ++k) printf("%.17g%c", (double)probabilities[k], k + 1 < model_classes ? ' ' : '\n');
}

int main(int count, char **arguments)
{
    uint8_t pixels[model_inputs];
    REAL x[model_inputs], probabilities[model_classes];
    FILE *file = fopen(count == 2 ? arguments[1] : "", "rb");
    int i;
    if (!file) return 1;
    while (fread(pixels, 1, sizeof pixels, file) == sizeof pixels) {
        model_predict_u8(pixels, probabilities);
        print(probabilities);
        for (i = 0; i < model_inputs; ++i) x[i] = (REAL)((float)pixels[i] / 255.0f);
        model_predict(x, probabilities);
        print(probabilities);
    }
    fclose(file);
    return 0;
}
