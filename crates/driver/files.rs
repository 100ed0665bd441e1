//! Files written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Failure;

/// A file to be written at the end of a run, checked at its beginning.
///
/// The contents go to a temporary file beside the target, which takes its name once everything is on the disk: the
/// target is the old file or the new one, never a part. A target that is no regular file (`/dev/null`, a pipe) has no
/// name to take and is written straight.
pub struct Target {
    /// As the user wrote it, for messages.
    shown: PathBuf,
    /// With symbolic links followed, so that the link stays and what it points to is replaced.
    path: PathBuf,
    replace: bool,
}

impl Target {
    /// Checks that `path` could be written now, so that a long run is not lost over a misspelt folder.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let fail = |why: String| Failure::new(format!("cannot write {}: {why}", path.display()));
        let target = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(fail("it is a folder; name a file in it".into())),
            Ok(found) => Target {
                shown: path.into(),
                path: fs::canonicalize(path).map_err(|e| fail(e.to_string()))?,
                replace: found.is_file(),
            },
            Err(_) => Target { shown: path.into(), path: resolved(path), replace: true },
        };
        let folder = folder(&target.path);
        if target.replace && !folder.is_dir() {
            return Err(fail(format!("there is no folder {}; make it first", folder.display())));
        }
        if target.replace {
            let shown = folder.display();
            target.temporary().map_err(|e| fail(format!("no file can be made in {shown}: {}", reason(&e))))?;
        }
        Ok(target)
    }

    /// The path as the user wrote it.
    pub fn shown(&self) -> std::path::Display<'_> {
        self.shown.display()
    }

    /// Whether both would end up in the same file.
    pub fn is_same_file(&self, other: &Target) -> bool {
        self.replace && self.path == other.path
    }

    /// Whether writing would replace what is read at `path`.
    pub fn replaces(&self, path: &Path) -> bool {
        self.replace && fs::canonicalize(path).is_ok_and(|path| path == self.path)
    }

    /// Writes the contents, to the disk.
    pub fn write(&self, contents: &[u8]) -> Result<(), Failure> {
        let written = if self.replace { self.write_beside(contents) } else { self.write_straight(contents) };
        written.map_err(|e| {
            let kept = if self.replace && self.path.exists() { "; the file that was there is unchanged" } else { "" };
            Failure::new(format!("cannot write {}: {}{kept}", self.shown.display(), reason(&e)))
        })
    }

    fn write_beside(&self, contents: &[u8]) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(contents)?;
        if let Ok(old) = fs::metadata(&self.path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|e| e.error)?;
        // The new name is durable once its folder is; where folders cannot be opened there is nothing to do.
        File::open(folder(&self.path)).and_then(|folder| folder.sync_all()).or(Ok(()))
    }

    fn write_straight(&self, contents: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.write_all(contents)?;
        file.flush()
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".twolayer-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any other new file: what the umask leaves. (Temporary files are private by default.)
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(folder(&self.path))
    }
}

/// A usage error if two options name the same file.
pub fn check_distinct(targets: &[(&str, Option<&Target>)]) -> Result<(), Failure> {
    let given: Vec<_> = targets.iter().filter_map(|(option, target)| target.map(|target| (option, target))).collect();
    for (i, (option, target)) in given.iter().enumerate() {
        if let Some((other, _)) = given[..i].iter().find(|(_, earlier)| earlier.is_same_file(target)) {
            return Err(Failure::usage(format!("{other} and {option} both name {}", target.shown())));
        }
    }
    Ok(())
}

/// Where a file that does not exist yet would be: links that lead nowhere followed, and its folder by its one true
/// name, so that two spellings of one file are seen to be one.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // As many links as systems follow before they see a circle.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => break,
        }
    }
    match (fs::canonicalize(folder(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The system's words, without the name of a temporary file, which tells the user nothing.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" at path ").next().unwrap_or(&text).to_string()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_whole_files_and_leaves_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses.csv");
        let target = Target::new(&path).unwrap();
        assert_eq!(names(folder.path()), [""; 0], "the check leaves no trace");
        target.write(b"first").unwrap();
        target.write(b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["losses.csv"]);
    }

    #[test]
    fn refuses_folders_early() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Target::new(folder.path()).is_err());
        assert!(Target::new(&folder.path().join("missing").join("file")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Target::new(&link).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_yet_stays_and_spellings_of_one_file_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::os::unix::fs::symlink("real", &link).unwrap();
        let roundabout = folder.path().join(".").join("real");
        let [a, b, c] = [&real, &link, &roundabout].map(|path| Target::new(path).unwrap());
        assert!(a.is_same_file(&b) && a.is_same_file(&c));
        b.write(b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_and_not_replaced() {
        for (device, fits) in [("/dev/null", true), ("/dev/full", false)] {
            let target = Target::new(Path::new(device)).unwrap();
            // Before anything is written: a superuser's mistake here would replace the machine's device.
            assert!(!target.replace);
            assert_eq!(target.write(b"contents").is_ok(), fits, "{device}");
            assert!(!fs::metadata(device).unwrap().is_file());
        }
    }
}
