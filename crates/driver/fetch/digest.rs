//! MD5 sums of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use md5::{Digest, Md5};

use super::catalogue::Remote;

/// What is read at once.
const BUFFER: usize = 1 << 18;

/// No file of which the content's sum is known unpacks to more: a bound for those that are not what they should be.
const CONTENT_AT_MOST: u64 = 64 << 20;

/// Whether a file is the published one; if not, its sum.
pub fn verify(path: &Path, file: &Remote) -> io::Result<Result<(), String>> {
    let found = of(File::open(path)?)?;
    if found == file.md5 {
        return Ok(Ok(()));
    }
    let Some(content) = file.content_md5 else {
        return Ok(Err(found));
    };
    match of(MultiGzDecoder::new(File::open(path)?).take(CONTENT_AT_MOST)) {
        Ok(unpacked) if unpacked == content => Ok(Ok(())),
        // Whether it is no gzip or other data, it is not the file.
        _ => Ok(Err(found)),
    }
}

/// The MD5 sum of all that a reader gives, in hexadecimal.
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
