//! The network and its kernels.
