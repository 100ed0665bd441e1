//! The files present after a write, a failure or a kill.

use super::leftovers::PREFIX;
use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    AtomicFile::new(path)?.write(|file| file.write_all(content))
}

#[test]
fn replaces_whole_files_and_leaves_nothing_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    AtomicFile::new(&path).unwrap().probe().unwrap();
    assert_eq!(names(folder.path()), [""; 0], "a probe leaves no trace");
    write(&path, b"first").unwrap();
    write(&path, b"second").unwrap();
    let half = |file: &mut File| file.write_all(b"thi").and(Err(io::ErrorKind::StorageFull.into()));
    AtomicFile::new(&path).unwrap().write(half).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn folders_and_missing_folders_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(AtomicFile::new(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    let missing = AtomicFile::new(&folder.path().join("missing").join("file")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    assert!(missing.to_string().starts_with("there is no folder"), "{missing}");
    let gone = temporary(&folder.path().join("missing")).unwrap_err();
    assert!(!gone.to_string().contains(PREFIX) && gone.kind() == io::ErrorKind::NotFound, "{gone}");
}

#[test]
fn files_of_killed_processes_are_removed_and_files_in_use_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in [".twolayer-tmp-dead", ".twolayer-other", "twolayer-tmp-x"] {
        fs::write(at(name), "half").unwrap();
    }
    fs::create_dir(at(".twolayer-tmp-folder")).unwrap();
    let mut living = temporary(folder.path()).unwrap();
    write(&at("file"), b"content").unwrap();
    let mut expected = [".twolayer-other", ".twolayer-tmp-folder", "file", "twolayer-tmp-x"].map(String::from).to_vec();
    expected.push(living.path().file_name().unwrap().to_str().unwrap().into());
    expected.sort();
    assert_eq!(names(folder.path()), expected);
    living.write_all(b"whole").unwrap();
    living.persist(&at("living")).unwrap();
    assert_eq!(fs::read(at("living")).unwrap(), b"whole");
}

#[test]
fn concurrent_writers_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = folder.path().join(if thread < 2 { "same" } else { "other" });
            scope.spawn(move || (0..50).for_each(|_| write(&path, &[thread; 1000]).unwrap()));
        }
    });
    assert_eq!(names(folder.path()), ["other", "same"]);
    let content = fs::read(folder.path().join("same")).unwrap();
    assert!(content.len() == 1000 && content.iter().all(|&byte| byte == content[0]));
}

#[cfg(unix)]
#[test]
fn links_are_kept_and_different_paths_to_a_file_compare_equal() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::os::unix::fs::symlink("real", &link).unwrap();
    let roundabout = folder.path().join(".").join("real");
    // Before there is a file, and after.
    for content in [b"new", b"two"] {
        let [a, b, c] = [&real, &link, &roundabout].map(|path| AtomicFile::new(path).unwrap());
        assert!(a.path() == b.path() && a.path() == c.path());
        b.write(|file| file.write_all(content)).unwrap();
        assert_eq!(fs::read(&real).unwrap(), content);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_and_not_replaced() {
    for (device, fits) in [("/dev/null", true), ("/dev/full", false)] {
        let place = AtomicFile::new(Path::new(device)).unwrap();
        // Checked before writing: a faulty write by a superuser would replace the machine's device.
        assert!(!place.is_replaced());
        assert_eq!(place.write(|file| file.write_all(b"contents")).is_ok(), fits, "{device}");
        assert!(!fs::metadata(device).unwrap().is_file());
    }
}
