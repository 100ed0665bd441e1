//! The data sets that can be fetched: addresses and checksums.
//!
//! The MD5 sums are those of the publishers and of torchvision. They detect damaged and replaced files. Sets served
//! over HTTPS are fetched over HTTPS.

/// A data set: file names and the addresses to prepend.
pub struct Dataset {
    pub name: String,
    /// Tried in turn. Each ends with a slash.
    pub mirrors: Vec<String>,
    pub files: Vec<Remote>,
    /// The file names in brace notation, as in curl and shells.
    pub names: &'static str,
    /// The members to extract, if the file is an archive.
    pub members: Vec<String>,
}

/// A published file.
#[derive(Clone, Copy)]
pub struct Remote {
    pub name: &'static str,
    pub md5: &'static str,
    /// The MD5 sum of the unpacked content, if known: a mirror may have compressed it again.
    pub content_md5: Option<&'static str>,
    /// The most bytes to read: the published length, rounded up.
    pub at_most: u64,
}

const MB: u64 = 1_000_000;

/// The prefix of the names of EMNIST's splits.
pub const EMNIST: &str = "emnist";

/// The names of the sets.
pub const NAMES: [&str; 10] = [
    "mnist",
    "fashion-mnist",
    "kmnist",
    "qmnist",
    "emnist-balanced",
    "emnist-byclass",
    "emnist-bymerge",
    "emnist-digits",
    "emnist-letters",
    "emnist-mnist",
];

const MNIST: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];

const FASHION: [&str; 3] = [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
];

const KMNIST: [&str; 2] =
    ["https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"];

const QMNIST: [&str; 2] = [
    "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    "https://github.com/facebookresearch/qmnist/raw/master/",
];

const EMNIST_MIRRORS: [&str; 2] =
    ["https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"];

/// The set with that name, one of [`NAMES`].
pub fn dataset(name: &str) -> Option<Dataset> {
    let (mirrors, files): (&[&str], Vec<Remote>) = match name {
        "mnist" => (&MNIST, mnist()),
        "fashion-mnist" => (&FASHION, fashion()),
        "kmnist" => (&KMNIST, kmnist()),
        "qmnist" => (&QMNIST, qmnist()),
        _ if name.starts_with("emnist-") && NAMES.contains(&name) => (&EMNIST_MIRRORS, vec![emnist()]),
        _ => return None,
    };
    let members = if name.starts_with("emnist-") { emnist_members(name) } else { Vec::new() };
    let names = match name {
        "qmnist" => "qmnist-{train,test}-{images-idx3-ubyte,labels-idx2-int}.gz",
        _ if members.is_empty() => "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz",
        _ => files[0].name,
    };
    Some(Dataset { name: name.into(), mirrors: mirrors.iter().map(|&m| m.into()).collect(), files, names, members })
}

fn file(name: &'static str, md5: &'static str, megabytes: u64) -> Remote {
    Remote { name, md5, content_md5: None, at_most: megabytes * MB }
}

fn mnist() -> Vec<Remote> {
    let file = |name, md5, content, megabytes| Remote { content_md5: Some(content), ..file(name, md5, megabytes) };
    vec![
        file("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb", 11),
        file("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624", 1),
        file("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea", 2),
        file("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637", 1),
    ]
}

fn fashion() -> Vec<Remote> {
    vec![
        file("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 27),
        file("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 1),
        file("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 5),
        file("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 1),
    ]
}

fn kmnist() -> Vec<Remote> {
    vec![
        file("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7", 19),
        file("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344", 1),
        file("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7", 4),
        file("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134", 1),
    ]
}

fn qmnist() -> Vec<Remote> {
    vec![
        file("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370", 12),
        file("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4", 2),
        file("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412", 12),
        file("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa", 2),
    ]
}

/// All splits of EMNIST are one archive of 562 MB.
fn emnist() -> Remote {
    file("gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e", 570)
}

fn emnist_members(name: &str) -> Vec<String> {
    ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"]
        .iter()
        .map(|part| format!("{name}-{part}-ubyte.gz"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expands braces as a shell does.
    fn expanded(text: &str) -> Vec<String> {
        let Some((before, (inner, after))) = text.split_once('{').map(|(a, b)| (a, b.split_once('}').unwrap())) else {
            return vec![text.into()];
        };
        let ends = expanded(after);
        inner.split(',').flat_map(|one| ends.iter().map(move |end| format!("{before}{one}{end}"))).collect()
    }

    #[test]
    fn every_name_has_four_files_that_the_reader_looks_for() {
        for name in NAMES {
            let set = dataset(name).unwrap();
            assert_eq!(set.name, name);
            let four = if set.members.is_empty() { set.files.len() } else { set.members.len() };
            assert_eq!(four, 4, "{name}");
            for mirror in &set.mirrors {
                assert!(mirror.starts_with("http") && mirror.ends_with('/'), "{mirror}");
            }
            assert!(set.mirrors[0].starts_with("https://"), "{name} begins with HTTPS");
            assert_eq!(expanded(set.names), set.files.iter().map(|file| file.name).collect::<Vec<_>>(), "{name}");
            for file in &set.files {
                assert!(file.md5.len() == 32 && file.md5.bytes().all(|b| b.is_ascii_hexdigit()), "{}", file.name);
            }
        }
        assert!(dataset("emnist").is_none() && dataset("emnist-greek").is_none());
    }
}
