//! Files are written whole or not at all.

use std::fs;
use std::io::{self, Write};

use twolayer_idx::{ErrorKind, Idx, Packing};

use crate::fixtures::{arrays, assert_told, encoded};

fn labels() -> Idx {
    Idx::new(vec![3], vec![1u8, 2, 3]).unwrap()
}

/// The names in a folder, sorted.
fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn saves_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for packing in [Packing::Raw, Packing::Gzip] {
        for idx in arrays(&[3, 5]) {
            idx.save(&path, packing).unwrap();
            assert_eq!(fs::read(&path).unwrap(), encoded(&idx, packing));
            assert_eq!(Idx::load(&path).unwrap(), idx);
        }
    }
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_missing_folder_and_a_folder_of_that_name_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/file");
    let error = labels().save(&path, Packing::Raw).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { action: "write", .. }));
    assert_told(&error, path.to_str().unwrap(), &["cannot write it"]);
    fs::create_dir(folder.path().join("sub")).unwrap();
    labels().save(folder.path().join("sub"), Packing::Raw).unwrap_err();
    assert_eq!(names(folder.path()), ["sub"]);
}

/// A writer that fails after some bytes, as a full disk does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_at_every_byte() {
    for idx in arrays(&[20]) {
        for packing in [Packing::Raw, Packing::Gzip] {
            let length = encoded(&idx, packing).len();
            for room in 0..length {
                let error = idx.write_to("disk", Full(room), packing).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Io { action: "write", .. }));
                assert_told(&error, "disk", &["cannot write it"]);
            }
            idx.write_to("disk", Full(length), packing).unwrap();
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn permissions_are_those_of_any_new_file_or_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("file"), folder.path().join("plain"));
        fs::write(&plain, "").unwrap();
        labels().save(&path, Packing::Raw).unwrap();
        assert_eq!(mode(&path), mode(&plain));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        labels().save(&path, Packing::Gzip).unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn a_symbolic_link_is_kept_and_points_to_the_new_content() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        labels().save(&link, Packing::Raw).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Idx::load(&file).unwrap(), labels());
        assert_eq!(names(folder.path()), ["file", "link"]);
    }

    /// A device that is always full and that a faulty writer cannot replace in `/dev`: `/dev/full` if this user cannot
    /// replace it, otherwise a copy made in `folder`. `None` if neither is possible.
    #[cfg(target_os = "linux")]
    fn full_device(folder: &Path) -> Option<std::path::PathBuf> {
        if tempfile::tempfile_in("/dev").is_err() {
            return Some("/dev/full".into());
        }
        let device = folder.join("full");
        let made = Command::new("mknod").arg(&device).args(["c", "1", "7"]).status();
        let usable = made.is_ok_and(|status| status.success()) && fs::File::open(&device).is_ok();
        usable.then_some(device)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let Some(device) = full_device(folder.path()) else {
            eprintln!("skipped: no device that is safe to write to");
            return;
        };
        let error = labels().save(&device, Packing::Raw).unwrap_err();
        assert_told(&error, device.to_str().unwrap(), &["cannot write it", "No space left", "free some space"]);
        assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_pipe_is_written_to_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        // Open at both ends, so that neither side waits for the other.
        let mut pipe = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        labels().save(&path, Packing::Gzip).unwrap();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        let expected = encoded(&labels(), Packing::Gzip);
        let mut read = vec![0; expected.len()];
        pipe.read_exact(&mut read).unwrap();
        assert_eq!(read, expected);
    }
}
