//! Models are written atomically.

use std::fs;
use std::path::Path;

use twolayer_model::{AnyModel, ErrorKind, Model};

use crate::fixtures::{assert_told, model};

fn small() -> Model<f32> {
    model(2, 3, 2)
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn saves_and_replaces_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fs::write(&path, "something longer than a model, or not").unwrap();
    small().save(&path).unwrap();
    model::<f64>(1, 1, 1).save(&path).unwrap();
    assert_eq!(AnyModel::load(&path).unwrap().shape().inputs(), 1);
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn folders_and_missing_folders_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (path, deep) = (folder.path(), folder.path().join("no/model"));
    let error = small().save(path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoPlace { .. }));
    assert_told(&error, path.to_str().unwrap(), &["it is a folder"]);
    let error = small().save(&deep).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoPlace { .. }));
    assert_told(&error, deep.to_str().unwrap(), &["there is no folder"]);
    fs::write(path.join("file"), "").unwrap();
    small().save(path.join("file/model")).unwrap_err();
    small().save("").unwrap_err();
    assert_eq!(names(path), ["file"]);
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn permissions_are_those_of_any_new_file_or_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("model"), folder.path().join("plain"));
        fs::write(&plain, "").unwrap();
        small().save(&path).unwrap();
        assert_eq!(mode(&path), mode(&plain));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        small().save(&path).unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn symbolic_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        small().save(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        AnyModel::load(&file).unwrap();
        assert_eq!(names(folder.path()), ["file", "link"]);
    }

    /// A read-only folder; skipped for a superuser, who may write to it.
    #[test]
    fn a_folder_that_may_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("model"), "old").unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
        let superuser = fs::write(inner.join("probe"), "").is_ok();
        if superuser {
            eprintln!("skipped: this user may write everywhere");
        } else {
            let path = inner.join("model");
            let error = small().save(&path).unwrap_err();
            let words = ["cannot write it", "Permission denied"];
            assert_told(&error, path.to_str().unwrap(), &words);
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
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
        let error = small().save(&device).unwrap_err();
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
        small().save(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        let expected = small().to_bytes().unwrap();
        let mut read = vec![0; expected.len()];
        pipe.read_exact(&mut read).unwrap();
        assert_eq!(read, expected);
    }

    /// A disk that is full after a few KiB, simulated in a child process by a limit on file sizes.
    #[test]
    fn a_full_disk_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let old = small().to_bytes().unwrap();
        for with_old in [true, false] {
            if with_old {
                fs::write(&path, &old).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            let child = Command::new("sh")
                .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "saving::unix::fill_the_disk"])
                .env("TWOLAYER_MODEL_TEST_OUT", &path)
                .output()
                .unwrap();
            // A name that matches no test would succeed too.
            let ran = String::from_utf8_lossy(&child.stdout).contains("1 passed");
            assert!(child.status.success() && ran, "{child:?}");
            if with_old {
                assert_eq!(names(folder.path()), ["model"]);
                assert_eq!(fs::read(&path).unwrap(), old);
            } else {
                assert_eq!(names(folder.path()), [""; 0]);
            }
        }
    }

    /// Run by `a_full_disk_leaves_the_old_file_and_no_other` in a child process; otherwise it does nothing.
    #[test]
    fn fill_the_disk() {
        let Ok(path) = std::env::var("TWOLAYER_MODEL_TEST_OUT") else {
            return;
        };
        let error = model::<f64>(100, 100, 10).save(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { action: "write", .. }));
        assert_told(&error, &path, &["cannot write it", "too large"]);
    }
}
