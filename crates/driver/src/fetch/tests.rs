//! Fetching a small set from a loopback server that behaves in all the ways that real servers do.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::curl::Client;
use super::{FetchedFile, fetch};
use crate::md5;
use crate::published_datasets::{Dataset, Remote};

#[path = "../../../../tests/common/server.rs"]
mod server;
use server::Server;

const AT_MOST: u64 = 40_000;

/// A set of two files of 30,000 and 100 bytes, its server, and an empty folder.
struct Case {
    server: Server,
    folder: TempDir,
    contents: [Vec<u8>; 2],
    files: Vec<Remote>,
}

impl Case {
    fn new() -> Self {
        let contents = [pattern(30_000, 7), pattern(100, 3)];
        let server = Server::new(&[("large", &contents[0]), ("small", &contents[1])]);
        let files = ["large", "small"].iter().zip(&contents).map(|(name, bytes)| remote(name, bytes)).collect();
        Case { server, folder: tempfile::tempdir().unwrap(), contents, files }
    }

    /// Fetches from a mirror for each of these behaviours, tried in turn.
    fn fetch(&self, behaviours: &[&str]) -> Result<Vec<FetchedFile>, String> {
        let mirrors = behaviours.iter().map(|behaviour| self.server.base(behaviour)).collect();
        let set = Dataset {
            name: "tiny".into(),
            mirrors,
            files: self.files.clone(),
            names: "{large,small}",
            members: Vec::new(),
        };
        fetch(&set, self.folder.path(), &client()).map_err(|failure| format!("{failure:?}"))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn assert_complete(&self) {
        assert_eq!(self.names(), ["large", "small"]);
        for (file, bytes) in self.files.iter().zip(&self.contents) {
            assert_eq!(fs::read(self.folder.path().join(file.name)).unwrap(), *bytes, "{}", file.name);
        }
    }

    fn partial(&self, bytes: &[u8]) {
        fs::write(self.folder.path().join("large.part"), bytes).unwrap();
    }
}

fn pattern(n: usize, step: usize) -> Vec<u8> {
    (0..n).map(|i| (i * step + i / 251) as u8).collect()
}

fn remote(name: &'static str, bytes: &[u8]) -> Remote {
    Remote { name, md5: md5::of(bytes).unwrap().leak(), content_md5: None, at_most: AT_MOST }
}

/// A client with a short timeout.
fn client() -> Client {
    Client { timeout: Duration::from_millis(400), shows_progress: false }
}

#[test]
fn fetches_once_and_then_sends_no_requests() {
    let case = Case::new();
    let entries = case.fetch(&["ok"]).unwrap();
    case.assert_complete();
    assert_eq!(entries[0].from, Some(case.server.base("ok") + "large"));
    assert_eq!(entries[0].bytes, 30_000);
    assert_eq!(case.server.requests(), ["GET /ok/large", "GET /ok/small"]);
    let entries = case.fetch(&["ok"]).unwrap();
    assert!(entries.iter().all(|entry| entry.from.is_none()));
    assert_eq!(case.server.requests().len(), 2, "no further requests");
}

#[test]
fn after_every_kind_of_failure_the_next_mirror_is_tried() {
    let start = Instant::now();
    let in_time = |bad: &str| assert!(start.elapsed() < Duration::from_secs(30), "{bad}: {:?}", start.elapsed());
    let next_is_tried = |bad: &str| {
        let case = Case::new();
        case.fetch(&[bad, "ok"]).unwrap_or_else(|why| panic!("{bad}: {why}"));
        case.assert_complete();
        in_time(bad);
    };
    let is_explained = |bad: &str, word: &str| {
        let case = Case::new();
        let why = case.fetch(&[bad]).map(|_| ()).unwrap_err();
        for word in [word, "by hand: put ", &(case.server.base(bad) + "{large,small} into ")] {
            assert!(why.contains(word), "{bad}: no {word:?} in {why}");
        }
        assert!(!case.names().contains(&"large".to_string()), "{bad}: a file was renamed without a check");
        in_time(bad);
    };
    // In parallel, because they mostly wait.
    std::thread::scope(|scope| {
        for (bad, word) in [
            ("403", "403"),
            ("404", "404"),
            ("500", "500"),
            ("corrupt", "MD5 sum is"),
            ("loop", "redirected more than 5 times"),
            ("elsewhere", "redirected to another protocol"),
            ("304", "304 and no file"),
            ("huge", "more than 40,000 bytes"),
            ("endless", "more than 40,000 bytes"),
            ("stall", "in time"),
            ("silent", "in time"),
        ] {
            scope.spawn(move || next_is_tried(bad));
            scope.spawn(move || is_explained(bad, word));
        }
    });
}

#[test]
fn redirects_and_responses_without_a_length_work() {
    // curl could take the last for a pattern.
    for good in ["redirect", "unsized", "norange", "{a,b}[1-2]"] {
        let case = Case::new();
        case.fetch(&[good]).unwrap();
        case.assert_complete();
    }
    let case = Case::new();
    case.fetch(&["loop"]).map(|_| ()).unwrap_err();
    assert_eq!(case.server.requests().len(), 6, "a request and five redirects");
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let case = Case::new();
    case.fetch(&["truncate", "ok"]).unwrap();
    case.assert_complete();
    let requests = case.server.requests();
    assert_eq!(
        requests[..3],
        ["GET /truncate/large", "GET /truncate/large from 15000", "GET /truncate/large from 22500"]
    );
    assert!(requests.iter().any(|request| request.starts_with("GET /ok/large from 29")), "{requests:?}");
}

#[test]
fn an_interrupted_fetch_is_resumed() {
    let case = Case::new();
    case.partial(&case.contents[0][..12_345]);
    case.fetch(&["ok"]).unwrap();
    case.assert_complete();
    assert_eq!(case.server.requests(), ["GET /ok/large from 12345", "GET /ok/small"]);
}

#[test]
fn a_server_that_ignores_ranges_sends_the_whole_file() {
    let case = Case::new();
    case.partial(&case.contents[0][..12_345]);
    case.fetch(&["norange"]).unwrap();
    case.assert_complete();
}

#[test]
fn a_different_range_than_requested_is_an_error() {
    let case = Case::new();
    case.partial(&case.contents[0][..12_345]);
    let why = case.fetch(&["otherrange"]).map(|_| ()).unwrap_err();
    assert!(why.contains("a different part of the file"), "{why}");
    assert_eq!(
        fs::read(case.folder.path().join("large.part")).unwrap(),
        case.contents[0][..12_345],
        "the old file is kept"
    );
}

#[test]
fn a_corrupt_partial_file_is_detected_and_fetched_again() {
    let long = vec![9; 1 << 20];
    for rubbish in [&pattern(100, 1)[..], &pattern(30_000, 1), &pattern(35_000, 1), &long] {
        let case = Case::new();
        case.partial(rubbish);
        case.fetch(&["ok"]).unwrap();
        case.assert_complete();
    }
}

#[test]
fn after_a_stall_the_next_run_resumes() {
    let case = Case::new();
    case.fetch(&["stall"]).map(|_| ()).unwrap_err();
    assert_eq!(case.names(), ["large.part"]);
    let asked = case.server.requests().len();
    case.fetch(&["ok"]).unwrap();
    case.assert_complete();
    assert!(case.server.requests()[asked].starts_with("GET /ok/large from "), "{:?}", case.server.requests());
}

#[test]
fn a_different_file_of_that_name_is_neither_used_nor_replaced() {
    let case = Case::new();
    let path = case.folder.path().join("small");
    fs::write(&path, "mine").unwrap();
    let why = case.fetch(&["ok"]).map(|_| ()).unwrap_err();
    assert!(why.contains("small is not the published file") && why.contains("fetch again"), "{why}");
    assert_eq!(fs::read(path).unwrap(), b"mine");
}

#[test]
fn concurrent_runs_do_not_write_the_same_file() {
    let case = Case::new();
    let partial = fs::File::create(case.folder.path().join("large.part")).unwrap();
    partial.lock().unwrap();
    let why = case.fetch(&["ok"]).map(|_| ()).unwrap_err();
    assert!(why.contains("another run"), "{why}");
    drop(partial);
    case.fetch(&["ok"]).unwrap();
    case.assert_complete();
}

#[test]
fn a_recompressed_file_is_recognised_by_its_content() {
    let content = pattern(20_000, 5);
    let pack = |level| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(&content).unwrap();
        encoder.finish().unwrap()
    };
    let (published, anew) = (pack(9), pack(0));
    assert_ne!(published, anew);
    let file = Remote { content_md5: Some(md5::of(&content[..]).unwrap().leak()), ..remote("large", &published) };
    let mut case = Case { server: Server::new(&[("large", &anew)]), files: vec![file], ..Case::new() };
    case.fetch(&["ok"]).unwrap();
    assert_eq!(fs::read(case.folder.path().join("large")).unwrap(), anew);
    // Different content is not recognised, although it is valid gzip.
    fs::remove_file(case.folder.path().join("large")).unwrap();
    case.files[0].content_md5 = Some("00000000000000000000000000000000");
    case.fetch(&["ok"]).map(|_| ()).unwrap_err();
}

/// An archive of made-up members in a subfolder, like EMNIST's.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(format!("gzip/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn an_archive_is_unpacked_and_its_files_are_recognised_later() {
    let zip = archive(&[("a-train", b"one"), ("a-test", b"two"), ("b-train", b"three")]);
    let server = Server::new(&[("gzip.zip", &zip)]);
    let folder = tempfile::tempdir().unwrap();
    let set = |behaviour: &str| Dataset {
        name: "a".into(),
        mirrors: vec![server.base(behaviour)],
        files: vec![remote("gzip.zip", &zip)],
        names: "gzip.zip",
        members: vec!["a-train".into(), "a-test".into()],
    };
    let get = |behaviour| fetch(&set(behaviour), folder.path(), &client()).map_err(|failure| format!("{failure:?}"));
    let read = |name| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(get("ok").unwrap().len(), 2);
    assert_eq!((read("a-train"), read("a-test")), (b"one".to_vec(), b"two".to_vec()));
    assert!(!folder.path().join("gzip.zip").exists() && !folder.path().join("b-train").exists());
    // Offline, and nothing to do.
    assert!(get("500").unwrap().iter().all(|entry| entry.from.is_none()));
    // A deleted member is extracted again from an archive put there by hand, which is kept.
    fs::remove_file(folder.path().join("a-test")).unwrap();
    assert!(get("500").map(|_| ()).unwrap_err().contains("/gzip.zip into "));
    fs::write(folder.path().join("gzip.zip"), &zip).unwrap();
    get("500").unwrap();
    assert_eq!((read("a-test"), read("gzip.zip")), (b"two".to_vec(), zip.clone()));
    fs::write(folder.path().join("a-test"), "changed").unwrap();
    assert!(get("500").map(|_| ()).unwrap_err().contains("not the published file"));
}
