//! The C library's structs, filled as C programs fill them: the fields of its matrices are private to it.
#![allow(dead_code)]

use std::ffi::c_void;
use twolayer::{tl_matrix, tl_matrix_out, tl_network, tl_network_get_info, tl_network_info, tl_type};

pub const U8: tl_type = 8;

/// A `tl_matrix` of this header; without the last field, a `tl_matrix_out`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    pub data: *mut c_void,
    pub kind: tl_type,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl Matrix {
    /// Rows of bytes without gaps.
    pub fn bytes(data: &[u8], rows: usize, cols: usize) -> Self {
        Matrix { data: data.as_ptr().cast_mut().cast(), kind: U8, rows, cols, row_stride: cols, col_stride: 1 }
    }

    pub fn read(self) -> tl_matrix {
        // SAFETY: the same fields in the same order, as C has them.
        unsafe { std::mem::transmute(self) }
    }

    pub fn written(self) -> tl_matrix_out {
        // SAFETY: as above; the struct begins with the same fields.
        unsafe { std::mem::transmute_copy(&self) }
    }
}

/// What a live network tells of itself.
pub fn info(network: *const tl_network) -> tl_network_info {
    let mut info = tl_network_info::default();
    // SAFETY: a live network, and a struct of the size that is given.
    assert_eq!(unsafe { tl_network_get_info(network, &mut info, size_of::<tl_network_info>()) }, 0);
    info
}
