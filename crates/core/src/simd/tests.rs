//! Every operation of every instruction set, lane by lane, against plain arithmetic.
