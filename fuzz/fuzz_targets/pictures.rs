//! Photographs: any bytes are a digit of 28 x 28 grey bytes or an error of one sentence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer_pictures::{Encoded, PreparedImage, Reader};

fuzz_target!(|input: &[u8]| {
    let Some((&kind, rest)) = input.split_first() else { return };
    // Half of the inputs are pixels, which is where the preparation begins.
    if kind < 128 {
        let _ = Encoded::open(rest).and_then(Encoded::into_grey);
        check(&Reader::new(28).read_from(Ok(rest), "given"), 28);
    } else if let [width, side, bytes @ ..] = rest {
        let (width, side) = (usize::from(*width) + 1, usize::from(side % 32) + 1);
        let height = bytes.len() / width;
        let pixels = bytes[..width * height].iter().flat_map(|&luma| [luma, if kind < 192 { 255 } else { !luma }]);
        let size = (width as u32, height as u32);
        check(&Reader::new(side).read_luma_alpha(pixels.collect(), size), side);
    }
});

fn check(result: &Result<PreparedImage, String>, side: usize) {
    match result {
        Ok(image) => {
            assert!(image.rows.iter().all(|row| !row.is_empty()));
            assert!(image.digits().all(|digit| digit.pixels.len() == side * side));
            assert!(image.main().pixels.iter().any(|&pixel| pixel > 0));
        }
        Err(error) => assert!(!error.is_empty() && !error.contains('\n'), "{error:?}"),
    }
}
