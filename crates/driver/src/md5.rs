//! MD5 sums. They are not secure, but they are what the publishers of data sets give.

use std::io::{self, Read};

use ::md5::{Digest, Md5};

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// The MD5 sum of a reader's content, in hexadecimal.
pub fn of(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        assert_eq!(of(&b""[..]).unwrap(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of(&b"abc"[..]).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
    }
}
