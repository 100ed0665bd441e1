//! The only test of its process, as the files of all others would be removed too.

use std::io::Write;

use twolayer_atomic::{AtomicFile, remove_unfinished, temporary};

#[test]
fn the_temporary_files_of_a_process_can_be_removed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let path = folder.path().join("file");
    AtomicFile::new(&path).unwrap().write(|file| file.write_all(b"whole")).unwrap();
    let mut persisted = temporary(folder.path()).unwrap();
    persisted.write_all(b"new").unwrap();
    persisted.persist(&folder.path().join("other")).unwrap();
    let (one, other) = (temporary(folder.path()).unwrap(), temporary(folder.path()).unwrap());
    drop(other);
    assert_eq!(names(), 3);
    remove_unfinished();
    assert!(!one.path().exists());
    assert_eq!(names(), 2, "the finished files");
}
