/* Ends the program with the line and the condition that does not hold. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>
#include <stdlib.h>
#include <twolayer.h>

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%d: not so: %s (%s)\n", __LINE__, #condition, tl_last_error_message());                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
