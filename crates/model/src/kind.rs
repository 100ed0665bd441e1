//! What a file is that is not a model, by its first bytes.

use std::fmt;

/// Kinds of files that are mistaken for model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A file without content.
    Empty,
    /// NumPy's archive of arrays.
    Npz,
    /// One NumPy array.
    Npy,
    /// PyTorch's own format or another Python pickle.
    Pickle,
    /// Another ZIP archive, such as Keras's.
    Zip,
    /// An ONNX model.
    Onnx,
    /// HDF5, the older format of Keras.
    Hdf5,
    /// GGUF, a format of language models.
    Gguf,
    /// Safetensors: a model, or another program's tensors.
    Safetensors,
    /// A picture, with the name of its format.
    Picture(&'static str),
    /// IDX: images or labels.
    Idx,
    /// A gzip file.
    Gzip,
    /// The pointer of Git LFS in place of a file.
    LfsPointer,
    /// A web page.
    Html,
    /// Other text.
    Text,
    /// None of these.
    Unknown,
}

/// The first bytes of those kinds that have fixed ones.
const MAGICS: [(&[u8], FileKind); 15] = [
    (b"\x93NUMPY", FileKind::Npy),
    (b"\x89PNG\r\n\x1a\n", FileKind::Picture("PNG")),
    (b"\xFF\xD8\xFF", FileKind::Picture("JPEG")),
    (b"GIF8", FileKind::Picture("GIF")),
    (b"BM", FileKind::Picture("BMP")),
    (b"P2\n", FileKind::Picture("PGM")),
    (b"P5\n", FileKind::Picture("PGM")),
    (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (b"GGUF", FileKind::Gguf),
    (b"\x1F\x8B", FileKind::Gzip),
    (b"version https://git-lfs", FileKind::LfsPointer),
    (b"<!doctype html", FileKind::Html),
    (b"<!DOCTYPE html", FileKind::Html),
    (b"<html", FileKind::Html),
    (b"PK\x05\x06", FileKind::Zip),
];

impl FileKind {
    /// Bytes from which a file's kind is determined; fewer will do if the file has no more.
    pub const HEAD: usize = 512;

    /// The kind of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        // First, for its length may be any bytes.
        if let [_, _, _, _, _, _, 0, 0, b'{', ..] = head {
            return FileKind::Safetensors;
        }
        if let Some((_, kind)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *kind;
        }
        let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
        match head {
            [] => FileKind::Empty,
            [b'P', b'K', 3, 4, ..] if has(b".npy") => FileKind::Npz,
            [b'P', b'K', 3, 4, ..] if has(b"data.pkl") || has(b"/byteorder") => FileKind::Pickle,
            [b'P', b'K', 3, 4, ..] => FileKind::Zip,
            [0x80, 2..=5, ..] => FileKind::Pickle,
            // A protocol buffer: the version, then the producer, the graph or the operators.
            [0x08, 3..=20, 0x12 | 0x3A | 0x42, ..] => FileKind::Onnx,
            [0, 0, 0x08..=0x0E, 1..=4, ..] => FileKind::Idx,
            _ if is_text(head) => FileKind::Text,
            _ => FileKind::Unknown,
        }
    }

    /// What reads such a file, or makes a model of it.
    pub fn advice(self) -> &'static str {
        match self {
            FileKind::Npz => "`twolayer import FILE --out MODEL` makes a model of it",
            FileKind::Npy => "save W1, b1, W2 and b2 with numpy.savez, for `twolayer import`",
            FileKind::Pickle => {
                "opening one can run any code, so it is not read; save the state_dict with safetensors.torch.save_file, \
                 for `twolayer import`"
            }
            FileKind::Onnx | FileKind::Hdf5 | FileKind::Zip => {
                "save its weights with numpy.savez(FILE, W1=..., b1=..., W2=..., b2=...), for `twolayer import`"
            }
            FileKind::Picture(_) => "`twolayer predict MODEL FILE` classifies it",
            FileKind::Idx => "commands with --data read it, given its folder",
            FileKind::Gzip => "gunzip it; commands with --data read IDX files as they are, given their folder",
            FileKind::LfsPointer => "fetch the file itself with `git lfs pull`",
            FileKind::Html => "download the file again, from the address of the file itself",
            FileKind::Safetensors | FileKind::Gguf => "only two-layer networks are read",
            FileKind::Empty | FileKind::Text | FileKind::Unknown => {
                "models are written by `twolayer train --out` and `twolayer import`"
            }
        }
    }
}

impl fmt::Display for FileKind {
    /// A noun, as in "an ONNX model".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Empty => "an empty file",
            FileKind::Npz => "NumPy's .npz",
            FileKind::Npy => "a single NumPy array",
            FileKind::Pickle => "a Python pickle, as torch.save writes",
            FileKind::Zip => "a ZIP archive",
            FileKind::Onnx => "an ONNX model",
            FileKind::Hdf5 => "an HDF5 file",
            FileKind::Gguf => "a GGUF file",
            FileKind::Safetensors => "a safetensors file with a very long header",
            FileKind::Picture(format) => return write!(f, "a {format} picture"),
            FileKind::Idx => "an IDX file",
            FileKind::Gzip => "a gzip file",
            FileKind::LfsPointer => "a Git LFS pointer",
            FileKind::Html => "a web page",
            FileKind::Text => "a text file",
            FileKind::Unknown => "a file of an unknown kind",
        })
    }
}

/// Whether it is text, perhaps cut within a character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_recognised() {
        for (head, name) in [
            (&b""[..], "an empty file"),
            (b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0W1.npy", "NumPy's .npz"),
            (b"PK\x03\x04\0\0\x08\x08net/data.pkl", "a Python pickle"),
            (b"PK\x03\x04\x14\0metadata.json", "a ZIP archive"),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9", "a Python pickle"),
            (b"\x93NUMPY\x01\0v\0{", "a single NumPy array"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
            (b"\x08\x08\x12\x07pytorch", "an ONNX model"),
            (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
            (b"\0\0\x08\x03\0\0\xea\x60", "an IDX file"),
            (b"\x1f\x8b\x08\0\0\0\0\0", "a gzip file"),
            (b"\0\0\x30\0\0\0\0\0{\"model.", "a safetensors file"),
            (b"BM\0\0\0\0\0\0{\"W1\":", "a safetensors file"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
            (b"<!doctype html><html>", "a web page"),
            ("label,pixel0\n0,1\n\u{e9}".as_bytes(), "a text file"),
            (&"caf\u{e9}".as_bytes()[..4], "a text file"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", "a file of an unknown kind"),
            (b"\0\0\0\0\0\0\0\0", "a file of an unknown kind"),
        ] {
            let kind = FileKind::of(head);
            assert!(kind.to_string().starts_with(name), "{head:?}: {kind}");
        }
    }
}
