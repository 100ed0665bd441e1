//! `twolayer fetch` and `twolayer data`, as their users run them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::server::Server;
use crate::common::{
    self, Ran, assert_paragraph, digits, fails, float, folder, idx, integer, json, mnist, names_in, ok, tiny, twolayer,
};

const PROXIES: [&str; 4] = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// `fetch` without the environment's proxies, and with these variables.
fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = twolayer();
    for name in PROXIES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(variables.iter().copied()).arg("fetch");
    command
}

/// Runs `fetch`.
fn fetch(arguments: &[&str], dir: &Path, variables: &[(&str, &str)]) -> Ran {
    let mut command = command(variables);
    command.args(arguments).args(["--timeout", "2", "--dir"]).arg(dir);
    let output = command.output().expect("the binary runs");
    Ran::new(format!("{command:?}"), output)
}

/// MNIST's files, on loopback.
fn serve(mnist: &Path) -> Server {
    let files: Vec<(String, Vec<u8>)> = common::NAMES
        .map(|name| format!("{name}.gz"))
        .map(|name| (name.clone(), fs::read(mnist.join(&name)).unwrap()))
        .into();
    Server::new(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

#[test]
fn mnist_is_fetched_once_and_can_be_used() {
    let Some(mnist) = mnist() else { return };
    let server = serve(&mnist);
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data").join("mnist");
    let base = server.base("redirect");
    let ran = fetch(&["mnist", "--mirror", base.trim_end_matches('/')], &dir, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    assert!(ran.stdout.contains("4 files fetched"), "{ran:#?}");
    let mut names = common::NAMES.map(|name| format!("{name}.gz"));
    names.sort();
    assert_eq!(names_in(&dir), names);
    let asked = server.requests().len();
    let again = fetch(&["mnist", "--mirror", &base], &dir, &[("COLUMNS", "40")]);
    assert!(again.code == Some(0) && again.stdout.contains("nothing to"), "{again:#?}");
    let long = |line: &&str| line.chars().count() > 40 && !line.contains(&*dir.to_string_lossy());
    assert_eq!(again.stdout.lines().find(long), None, "{again:#?}");
    assert_eq!(server.requests().len(), asked);
    let info = json("data info {}", &[&dir]);
    assert_eq!((integer(&info["train"]["rows"]), integer(&info["test"]["rows"])), (60_000, 10_000));
    assert_eq!(info["test"]["counts"], serde_json::json!([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]));
}

#[test]
fn files_put_there_by_hand_are_recognised_compressed_or_not() {
    let Some(mnist) = mnist() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let nobody = Server::new(&[]);
    for (i, name) in common::NAMES.iter().enumerate() {
        let packed = mnist.join(format!("{name}.gz"));
        if i % 2 == 0 {
            let raw = flate2::read::MultiGzDecoder::new(fs::File::open(&packed).unwrap());
            std::io::copy(&mut { raw }, &mut fs::File::create(scratch.path().join(name)).unwrap()).unwrap();
        } else {
            fs::copy(&packed, scratch.path().join(format!("{name}.gz"))).unwrap();
        }
    }
    let ran = fetch(&["mnist", "--mirror", &nobody.base("404")], scratch.path(), &[]);
    assert!(ran.code == Some(0) && ran.stdout.contains("nothing to fetch"), "{ran:#?}");
    assert!(ran.stdout.contains(&format!("  {}\n", common::NAMES[0])), "{ran:#?}");
    assert_eq!(nobody.requests(), [""; 0]);
    fs::write(scratch.path().join(common::NAMES[0]), "another").unwrap();
    let ran = fetch(&["mnist", "--mirror", &nobody.base("404")], scratch.path(), &[]);
    assert_paragraph(&ran, &[common::NAMES[0], "not the published file"]);
}

#[test]
fn a_failed_fetch_is_one_paragraph_with_instructions() {
    let server = Server::new(&[("train-images-idx3-ubyte.gz", b"no digits")]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{closed}/");
    for (mirror, word) in [
        (server.base("404"), "404"),
        (server.base("500"), "500"),
        (server.base("ok"), "MD5 sum is"),
        (server.base("silent"), "in time"),
        (nobody, "refused"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let ran = fetch(&["kmnist", "--mirror", &mirror, "--mirror", &server.base("403")], scratch.path(), &[]);
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        let dir = scratch.path().display().to_string();
        assert_paragraph(
            &ran,
            &[
                "cannot fetch kmnist",
                word,
                "403",
                &mirror,
                "by hand: put ",
                "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz",
                &dir,
            ],
        );
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
        assert_eq!(names_in(scratch.path()), [""; 0], "{mirror}");
    }
}

/// Without a network: neither the mirrors nor the proxy answer.
#[test]
fn the_error_without_a_network_is_one_short_line_with_instructions() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (scratch, proxy) = (tempfile::tempdir().unwrap(), format!("http://{closed}"));
    let ran = fetch(&["mnist"], scratch.path(), &[("ALL_PROXY", &proxy)]);
    let dir = scratch.path().display().to_string();
    let from = "https://ossci-datasets.s3.amazonaws.com/mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz";
    assert_paragraph(&ran, &["cannot fetch mnist", "refused", "by hand: put ", from, &dir]);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
    assert!(ran.stderr.len() - dir.len() + "data/mnist".len() <= 220, "{} bytes: {ran:#?}", ran.stderr.len());
}

#[test]
fn proxies_are_used_unless_no_proxy_excludes_the_host() {
    let proxy = Server::new(&[]);
    let address = proxy.address();
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["mnist", "--mirror", "http://files.invalid/404/"];
    for name in ["http_proxy", "ALL_PROXY", "all_proxy"] {
        let before = proxy.requests().len();
        let ran = fetch(&arguments, dir.path(), &[(name, &address)]);
        assert_paragraph(&ran, &["404"]);
        assert!(proxy.requests()[before..].iter().any(|line| line.contains("files.invalid")), "{:?}", proxy.requests());
    }
    let before = proxy.requests().len();
    let ran = fetch(&arguments, dir.path(), &[("http_proxy", &address), ("NO_PROXY", "files.invalid")]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert_eq!(proxy.requests().len(), before);
    // The tunnel opens, but what is behind it does not know TLS.
    let ran = fetch(&["mnist", "--mirror", "https://files.invalid/"], dir.path(), &[("HTTPS_PROXY", &address)]);
    assert_paragraph(&ran, &["cannot fetch mnist"]);
    assert_eq!(proxy.requests()[before], "CONNECT files.invalid:443");
}

#[test]
fn a_missing_curl_is_told_and_its_settings_are_not_read() {
    let (server, scratch) = (Server::new(&[]), tempfile::tempdir().unwrap());
    let (path, dir) = (scratch.path().to_str().unwrap(), scratch.path().join("data"));
    let arguments = ["mnist", "--mirror", &server.base("404")];
    let ran = fetch(&arguments, &dir, &[("PATH", path)]);
    assert_paragraph(&ran, &["curl is not on PATH", "by hand: put "]);
    for name in [".curlrc", "_curlrc"] {
        fs::write(scratch.path().join(name), "request = POST").unwrap();
    }
    let ran = fetch(&arguments, &dir, &[("CURL_HOME", path), ("HOME", path)]);
    assert_paragraph(&ran, &["404"]);
    assert_eq!(server.requests(), ["GET /404/train-images-idx3-ubyte.gz"]);
}

/// Ctrl-C reaches the whole group; a signal to the program alone leaves curl, which gives up by its own timeout.
#[cfg(unix)]
#[test]
fn an_interrupted_fetch_leaves_what_it_has_and_no_curl() {
    use std::os::unix::process::CommandExt;
    let server = Server::new(&[("train-images-idx3-ubyte.gz", &[7; 50_000])]);
    let kill = |signal: &str, whom: String| Command::new("kill").args([signal, "--", &whom]).output().unwrap().status;
    for (behaviour, timeout, group) in [("stall", "60", "-"), ("silent", "2", "")] {
        let scratch = tempfile::tempdir().unwrap();
        let part = scratch.path().join("train-images-idx3-ubyte.gz.part");
        let mut command = command(&[]);
        command.args(["mnist", "--timeout", timeout, "--mirror", &server.base(behaviour), "--dir"]).arg(scratch.path());
        let asked = server.requests().len();
        let mut child = command.process_group(0).spawn().unwrap();
        let length = || fs::metadata(&part).map_or(0, |metadata| metadata.len());
        let begun = || server.requests().len() > asked && (behaviour == "silent" || length() == 25_000);
        assert!(happens(begun), "{behaviour}: no request");
        // Not SIGINT, which all that a shell runs in the background ignores.
        assert!(kill("-TERM", format!("{group}{}", child.id())).success());
        assert_eq!(child.wait().unwrap().code(), None, "{behaviour}: ended by the signal");
        assert!(happens(|| !kill("-0", format!("-{}", child.id())).success()), "{behaviour}: curl runs on");
        assert_eq!(names_in(scratch.path()), ["train-images-idx3-ubyte.gz.part"]);
    }
}

/// Whether something becomes true within 20 seconds.
#[cfg(unix)]
fn happens(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() && start.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(20));
    }
    condition()
}

#[test]
fn usage_errors_of_fetch() {
    let ran = fails(2, "fetch emnist", &[], &["emnist-balanced, emnist-byclass, ", "emnist-letters", "emnist-mnist"]);
    assert!(!ran.stderr.contains("kmnist"), "only splits of EMNIST: {ran:#?}");
    fails(2, "fetch cifar", &[], &["cifar", "emnist-letters"]);
    fails(2, "fetch mnist --mirror ftp://host/", &[], &["https://"]);
    fails(2, "fetch mnist --timeout 0", &[], &["above 0"]);
}

#[test]
fn info_counts_the_bundled_digits_and_a_folder_alike() {
    let (bundled, folder) = (json("data info", &[]), json("data info {}", &[&digits()]));
    for half in ["train", "test"] {
        assert_eq!(bundled[half]["counts"], folder[half]["counts"]);
        let counts = bundled[half]["counts"].as_array().unwrap();
        assert_eq!(counts.iter().map(integer).sum::<usize>(), integer(&bundled[half]["rows"]));
    }
    assert_eq!((integer(&bundled["train"]["rows"]), integer(&bundled["train"]["width"])), (1437, 8));
    let ink = common::float(&json("data info {}", &[common::folder(&tiny()).path()])["test"]["mean_ink"]);
    // The sum of tiny's pixels, which its half has twice.
    assert!((ink - 808.0 / 12.0 / 255.0).abs() < 1e-12, "{ink}");
    let text = ok("data info", &[]);
    let rows: Vec<usize> = text.lines().rev().take(11).map(|line| line.chars().count()).collect();
    assert!(rows.iter().all(|&width| width == rows[0]), "{text}");
}

#[test]
fn show_draws_labelled_pictures_side_by_side_in_80_columns() {
    let text = ok("data show --index 0..9", &[]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let captions: Vec<&str> = text.lines().filter(|line| line.contains("label")).collect();
    assert_eq!(captions.len(), 3, "four images fit side by side: {text}");
    assert_eq!(text.matches("label").count(), 10);
    assert!(text.contains('█'));
    assert_eq!(text, ok("data show", &[]), "the default");
    assert_ne!(text, ok("data show --split train", &[]));
    assert_eq!(ok("data show --index 7", &[]).matches("label").count(), 1);
    fails(2, "data show --index 355..360", &[], &["--index 360", "numbered from 0 to 359"]);
    for wrong in ["9..0", "x", "0..", "-1"] {
        fails(2, &format!("data show --index={wrong}"), &[], &["0..9"]);
    }
    let features = folder(&{
        let labels = common::idx(&[1], &[0]);
        [common::idx(&[1, 5], &[1; 5]), labels.clone(), common::idx(&[1, 5], &[1; 5]), labels]
    });
    fails(1, "data show {} --index 0", &[features.path()], &["are not images"]);
}

/// Labels that do not fit into a byte, through training, evaluation and prediction.
#[test]
fn three_hundred_classes_are_usable() {
    let rows = 600u32;
    let mut images = idx(&[rows, 4, 4], &[]);
    images
        .extend((0..rows).flat_map(|row| (0..16).map(move |bit| if ((row % 300) >> bit) & 1 == 1 { 255 } else { 0 })));
    let mut labels = vec![0, 0, 0x0B, 1];
    labels.extend(rows.to_be_bytes());
    labels.extend((0..rows).flat_map(|row| (row as u16 % 300).to_be_bytes()));
    let data = folder(&[images.clone(), labels.clone(), images, labels]);
    let model = data.path().join("model");
    let options = "--classes 300 --epochs 150 --hidden 64 --optimizer adam --lr 0.02";
    let trained = json(&format!("train --data {{}} {options} --out {{}}"), &[data.path(), &model]);
    assert_eq!(integer(&trained["classes"]), 300);
    assert!(float(&trained["test_accuracy"]) > 0.9, "{}", trained["test_accuracy"]);
    let evaluated = json("eval {} --data {}", &[&model, data.path()]);
    assert_eq!(evaluated["confusion"].as_array().unwrap().len(), 300);
    let seen = json("predict {} --data {} --index 299", &[&model, data.path()]);
    assert_eq!(integer(&seen["label"]), 299);
    let info = json("data info {}", &[data.path()]);
    assert_eq!((integer(&info["train"]["classes"]), integer(&info["train"]["counts"][299])), (300, 2));
    fails(1, "train --data {} --classes 299", &[data.path()], &["label 299 at index 299", "299 classes"]);
}

/// Every form of a set trains, and becomes IDX with the same pixels and labels.
#[test]
fn sets_in_other_forms_train_and_are_converted() {
    let scratch = tempfile::tempdir().unwrap();
    let csv = scratch.path().join("csv");
    fs::create_dir(&csv).unwrap();
    fs::write(csv.join("train.csv"), "pixel,digit,ink\n0,1,255\n255,300,0\n").unwrap();
    fs::write(csv.join("test.csv"), "pixel,digit,ink\n3,0,4\n").unwrap();
    fails(1, "train --data {} --iters 1", &[&csv], &["train.csv", "--label-column"]);
    fails(2, "predict m --data {} --csv {}", &[&csv.join("test.csv"), &csv.join("test.csv")], &["would replace"]);
    fails(2, "predict m --csv {}", &[Path::new("seven.png")], &["seven.png", "give pictures before --csv"]);
    let report = json("train --data {} --label-column digit --iters 1", &[&csv]);
    assert_eq!((integer(&report["inputs"]), integer(&report["classes"])), (2, 301));
    let idx = scratch.path().join("new").join("idx");
    let text = ok("data convert {} {} --label-column digit", &[&csv, &idx]);
    assert!(text.contains("2 train + 1 test images of 1 x 2") && text.contains("train-labels-idx1-int"), "{text}");
    let names =
        ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-int"];
    assert_eq!(names_in(&idx), names);
    let set = twolayer_idx::DataSet::load(&idx).unwrap();
    assert_eq!((set.train.images(), set.train.labels()), (&[0, 255, 255, 0][..], &[1, 300][..]));
    assert_eq!((set.test.images(), set.test.labels()), (&[3, 4][..], &[0][..]));
    fails(1, "data convert {} {} --label-column 2", &[&csv, &idx], &["t10k-images-idx3-ubyte", "is here already"]);
    fails(2, "train --label-column 2", &[], &["--data"]);
    fails(1, "data info {} --label-column 2", &[&idx], &["this is not CSV"]);

    let pictures = scratch.path().join("pictures");
    for class in ["ant", "bee"] {
        fs::create_dir_all(pictures.join(class)).unwrap();
        for n in 0..6 {
            let pixels = [100 + n, 0, if class == "ant" { 250 } else { 0 }, 9];
            fs::write(pictures.join(class).join(format!("{n}.pgm")), [b"P5 2 2 255\n", &pixels[..]].concat()).unwrap();
        }
    }
    let report = json("data info {}", &[&pictures]);
    assert_eq!((integer(&report["train"]["rows"]), integer(&report["test"]["rows"])), (10, 2));
    let notes = report["notes"].to_string();
    assert!(notes.contains("0 ant, 1 bee") && notes.contains("each sixth"), "{notes}");
    let model = scratch.path().join("model");
    ok("train --data {} --iters 1 --out {}", &[&pictures, &model]);
    let evaluated = json("eval {} --data {} --split train", &[&model, &pictures]);
    assert!(evaluated["notes"].to_string().contains("each sixth"), "{evaluated}");
    let several = ok("train --data {} --iters 1 --seeds 0..1 --json", &[&pictures]);
    assert!(several.lines().last().unwrap().contains("each sixth"), "{several}");
}

#[test]
fn a_set_without_test_images_is_summed_up_and_converted() {
    let scratch = tempfile::tempdir().unwrap();
    let (csv, idx) = (scratch.path().join("train.csv"), scratch.path().join("idx"));
    fs::write(&csv, "1,255,0\n0,0,255\n").unwrap();
    let text = ok("data info {}", &[&csv]);
    assert!(text.contains("Test      none; `train` holds out a tenth of each class"), "{text}");
    let info = json("data info {}", &[&csv]);
    assert!(info["test"].is_null() && integer(&info["train"]["rows"]) == 2, "{info}");
    let text = ok("data convert {} {}", &[&csv, &idx]);
    assert!(text.contains("2 training images of 1 x 2, none to test on"), "{text}");
    assert_eq!(names_in(&idx), ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]);
    assert_eq!(json("data info {}", &[&idx])["train"]["counts"], info["train"]["counts"]);
}
