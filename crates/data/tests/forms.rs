//! Every form of a data set, made here, and every fault of it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{GrayImage, Rgb, RgbImage, Rgba, RgbaImage};
use tempfile::TempDir;
use twolayer_data::{Error, Form, Options, Part, Result};
use twolayer_idx::DataSet;
use twolayer_numpy::{Type, header};

fn load(path: impl AsRef<Path>) -> Result<DataSet> {
    let (train, test) = Form::of(path.as_ref())?.load(&Options::default())?;
    Ok(DataSet { train, test: test.expect("a test set") })
}

/// Checks an error: one line that begins with the file and has these words.
fn assert_told(error: &Error, file: &Path, words: &[&str]) {
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}", file.display())) && !text.contains('\n'), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

/// A folder with these files, whose folders are made.
fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two CSV files, the second of which is the usual one.
fn csv(train: &str) -> TempDir {
    folder(&[("train.csv", train.into()), ("test.csv", b"1,0,9,0,0\n".to_vec())])
}

#[test]
fn csv_with_and_without_names() {
    let plain = "3,0,255,7,1\n0,1,2,3,4\n";
    for train in [
        plain.into(),
        plain.replace('\n', "\r\n"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.trim_end().replace(',', ", "),
        format!("label,1x1,1x2,2x1,2x2\n{plain}"),
        format!("Class,0,1,2,3\n{plain}"),
        format!("\u{feff}{plain}"),
        format!("p1,p2,p3,p4,class\n{}", "0,255,7,1,3\n1,2,3,4,0\n"),
        format!("\"label\",\"a\",\"b\",\"c\",\"d\"\n{plain}\n"),
        "3.0,0.0,255.0,7,1\n0,1,2,3,4\n".into(),
    ] {
        let folder = csv(&train);
        let set = load(folder.path()).unwrap_or_else(|error| panic!("{train}: {error}"));
        assert_eq!(set.train.images(), [0, 255, 7, 1, 1, 2, 3, 4], "{train}");
        assert_eq!((set.train.labels(), set.test.labels()), (&[3, 0][..], &[1][..]), "{train}");
        assert_eq!((set.train.height(), set.train.width()), (2, 2));
        // The training file alone stands for both.
        assert_eq!(load(folder.path().join("train.csv")).unwrap().test.images(), set.test.images());
    }
}

#[test]
fn csv_of_fractions_and_packed() {
    let folder = folder(&[
        ("mnist_train.csv.gz", gzip(b"299,0,1,0.2,0.4\n0,0,0,0,1\n")),
        ("mnist_test.csv.gz", gzip(b"1,0,1,0,0.5\n")),
    ]);
    let set = load(folder.path()).unwrap();
    assert_eq!((set.train.images(), set.train.labels()), (&[0, 255, 51, 102, 0, 0, 0, 255][..], &[299, 0][..]));
    assert!(set.train.notes().is_empty() && set.test.notes()[0].contains("rounded to 256 shades, by up to 0.50/255"));
}

#[test]
fn the_column_of_labels_can_be_given() {
    let folder = folder(&[("train.csv", b"a,b,digit\n7,8,2\n".to_vec()), ("test.csv", b"a,b,digit\n5,6,1\n".to_vec())]);
    let form = Form::of(folder.path()).unwrap();
    for column in ["digit", "Digit", "3"] {
        let options = Options { label_column: Some(column), ..Options::default() };
        let (train, test) = form.load(&options).unwrap();
        assert_eq!((train.images(), train.labels()), (&[7, 8][..], &[2][..]));
        assert_eq!(test.unwrap().labels(), [1]);
    }
    for (column, words) in [
        (None, &["line 1: no column is called label or class, but a, b, digit", "--label-column"][..]),
        (Some("c"), &["no column c; its 3 columns have a, b, digit"]),
        (Some("4"), &["no column 4"]),
        (Some("0"), &["no column 0"]),
    ] {
        let error = form.load(&Options { label_column: column, ..Options::default() }).unwrap_err();
        assert_told(&error, &folder.path().join("train.csv"), words);
    }
}

/// As pandas writes a table without names.
#[test]
fn a_first_line_of_column_numbers_is_no_image() {
    let row = |first: u32, columns: u32| (first..first + columns).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (first, columns, is_image) in [(0, 10, false), (1, 10, false), (2, 10, true), (0, 8, true)] {
        let folder = csv(&format!("{}\n{}\n", row(first, columns), row(3, columns)));
        let train = Form::of(folder.path()).unwrap().load_part(Part::Train, &Options::default()).unwrap();
        assert_eq!(train.labels(), if is_image { vec![first, 3] } else { vec![3] }, "{first}, {columns}");
        let told = train.notes().iter().any(|note| note.contains("line 1 numbers the columns"));
        assert_eq!(told, !is_image, "{first}, {columns}");
    }
}

#[test]
fn bad_rows_are_named_by_file_line_and_column() {
    for (train, words) in [
        ("3,0,255\n0,1,2,3\n", "line 2, column 4: 4 columns; expected 3, as in line 1"),
        ("3,0,255\n0,1\n", "line 2, column 3: 2 columns; expected 3"),
        ("3,0,255\n1,0,x\n", "line 2, column 3: pixel \"x\"; expected 0 to 255"),
        ("3,0,255\n\n1,,9\n", "line 3, column 2: pixel \"\""),
        ("3,0,255\r\n\r\n1,5,256\r\n", "line 3, column 3: pixel \"256\""),
        ("label,a,b\n3,0,-0.5\n", "line 2, column 3: pixel \"-0.5\""),
        ("label,a,b\n3,0,nan\n", "line 2, column 3: pixel \"nan\""),
        ("label,a,b\ncat,0,1\n", "line 2, column 1: label \"cat\"; expected a whole number from 0"),
        ("label,a,b\n1.5,0,1\n", "line 2, column 1: label \"1.5\""),
        ("label,a,b\n-1,0,1\n", "line 2, column 1: label \"-1\""),
        (",label,a\n0,1,7\n", "line 1, column 1: no name, as of an index"),
        ("3\n4\n", "line 1: a single column"),
        ("label,a\n", "no rows"),
        ("", "no rows"),
        ("PK\u{3}\u{4}\0\0", "not text"),
    ] {
        let folder = csv(train);
        assert_told(&load(folder.path()).unwrap_err(), &folder.path().join("train.csv"), &[words]);
    }
}

#[test]
fn an_endless_row_of_a_small_file_is_refused() {
    let folder = folder(&[("train.csv.gz", gzip(&b"1,".repeat(9 << 20))), ("test.csv", b"1,2\n".to_vec())]);
    let error = load(folder.path()).unwrap_err();
    assert_told(&error, &folder.path().join("train.csv.gz"), &["a row of more than 16 MB"]);
}

#[test]
fn csv_files_that_are_not_two() {
    let row = || b"1,2\n".to_vec();
    let only = folder(&[("train.csv", row())]);
    let path = only.path().join("train.csv");
    for from in [only.path(), &path] {
        let form = Form::of(from).unwrap();
        let (train, test) = form.load(&Options::default()).unwrap();
        assert!(train.labels() == [1] && test.is_none());
        let error = form.load_part(Part::Test, &Options::default()).unwrap_err();
        assert_told(&error, &path, &["no test rows", "`test` in its place"]);
    }
    let latest = folder(&[("train_latest.csv", row())]);
    assert!(Form::of(latest.path()).unwrap().load(&Options::default()).unwrap().1.is_none());
    let other = folder(&[("test.csv", row())]);
    assert_told(&load(other.path()).unwrap_err(), other.path(), &["no CSV file of training rows", "it has test.csv"]);
    let many = folder(&[("a_train.csv", row()), ("b_train.csv", row()), ("a_test.csv", row())]);
    assert_told(&load(many.path()).unwrap_err(), many.path(), &["several", "a_train.csv and b_train.csv"]);
}

/// A `.npy` file.
fn npy(kind: Type, sizes: &[usize], data: &[u8]) -> Vec<u8> {
    [header(kind, sizes), data.to_vec()].concat()
}

/// Keras' mnist.npz in small, with another array in the place of one.
fn npz(replaced: Option<(&str, Vec<u8>)>) -> TempDir {
    let labels: Vec<u8> = [4i64, 300].iter().flat_map(|label| label.to_le_bytes()).collect();
    let mut arrays = vec![
        ("x_test", npy(Type::U8, &[1, 2, 2], &[9, 8, 7, 6])),
        ("x_train", npy(Type::U8, &[2, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 255])),
        ("y_train", npy(Type::I64, &[2], &labels)),
        ("y_test", npy(Type::U8, &[1], &[1])),
    ];
    if let Some((name, array)) = replaced {
        arrays.iter_mut().filter(|(this, _)| *this == name).for_each(|(_, content)| content.clone_from(&array));
    }
    folder(&[("mnist.npz", twolayer_numpy::write(&arrays).unwrap())])
}

#[test]
fn npz_as_keras_has_it() {
    let floats: Vec<u8> = [0.0f32, 0.2, 0.4, 1.0, 0.0, 0.0, 0.0, 1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut fortran = npy(Type::U8, &[2, 2, 2], &[0, 4, 2, 6, 1, 5, 3, 255]);
    let at = fortran.windows(5).position(|word| word == b"False").unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    let one_hot = npy(Type::Bool, &[2, 3], &[0, 0, 1, 1, 0, 0]);
    for (replaced, images, labels) in [
        (None, [0, 1, 2, 3, 4, 5, 6, 255], [4, 300]),
        (Some(("x_train", npy(Type::F32, &[2, 2, 2, 1], &floats))), [0, 51, 102, 255, 0, 0, 0, 255], [4, 300]),
        (Some(("x_train", fortran)), [0, 1, 2, 3, 4, 5, 6, 255], [4, 300]),
        (Some(("y_train", one_hot)), [0, 1, 2, 3, 4, 5, 6, 255], [2, 0]),
        (Some(("y_train", npy(Type::U16, &[2, 1], &[7, 0, 0, 1]))), [0, 1, 2, 3, 4, 5, 6, 255], [7, 256]),
    ] {
        let folder = npz(replaced);
        for path in [folder.path().to_owned(), folder.path().join("mnist.npz")] {
            let set = load(path).unwrap();
            assert_eq!((set.train.images(), set.train.labels()), (&images[..], &labels[..]));
            assert_eq!((set.test.images(), set.test.labels()), (&[9, 8, 7, 6][..], &[1][..]));
        }
    }
}

#[test]
fn faults_of_npz_are_named() {
    let huge: Vec<u8> = [1u64 << 40, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
    for (replaced, words) in [
        (("x_train", npy(Type::U8, &[2, 2, 2, 3], &[0; 24])), &["x_train: colour images", "2 x 2 x 2 x 3"][..]),
        (("x_train", npy(Type::U8, &[2, 2, 2], &[0; 7])), &["array x_train has 7 bytes of data"]),
        (("x_train", b"oops".to_vec()), &["array x_train is not a NumPy array"]),
        (("x_train", npy(Type::F16, &[2, 2], &[0; 8])), &["array x_train has type float16"]),
        (("y_train", npy(Type::U64, &[2], &huge)), &["array y_train has type uint64 and numbers beyond 32 bits"]),
        (("y_train", npy(Type::U8, &[], &[1])), &["array y_train is no list"]),
        (("y_train", npy(Type::U8, &[3], &[1; 3])), &["x_train: different numbers of images and labels"]),
        (("x_train", npy(Type::U8, &[3, 2, 2], &[0; 12])), &["x_train: different numbers of images and labels"]),
    ] {
        let folder = npz(Some(replaced));
        assert_told(&load(folder.path()).unwrap_err(), &folder.path().join("mnist.npz"), words);
    }
    let other = folder(&[("set.npz", twolayer_numpy::write(&[("arr_0", npy(Type::U8, &[1], &[1]))]).unwrap())]);
    let error = load(other.path()).unwrap_err();
    assert_told(&error, &other.path().join("set.npz"), &["no array x_train", "but the file has arr_0"]);
}

fn png(pixels: &[u8; 6]) -> Vec<u8> {
    encoded(image::DynamicImage::ImageLuma8(GrayImage::from_raw(3, 2, pixels.to_vec()).unwrap()))
}

fn encoded(picture: image::DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn pictures_in_train_and_test() {
    let rgb = encoded(image::DynamicImage::ImageRgb8(RgbImage::from_pixel(3, 2, Rgb([9, 9, 9]))));
    let folder = folder(&[
        ("train/cat/b.png", png(&[1, 2, 3, 4, 5, 6])),
        ("train/cat/a.PNG", png(&[0; 6])),
        ("train/ant/1.png", rgb),
        ("train/ant/.hidden", b"x".to_vec()),
        ("test/cat/1.png", png(&[255; 6])),
        ("test/cat/list.txt", b"x".to_vec()),
    ]);
    let set = load(folder.path()).unwrap();
    assert_eq!(set.train.images(), [[9; 6], [0; 6], [1, 2, 3, 4, 5, 6]].concat());
    assert_eq!((set.train.labels(), set.test.labels()), (&[0, 1, 1][..], &[1][..]));
    assert_eq!((set.train.height(), set.train.width()), (2, 3));
    assert!(set.train.notes()[0].ends_with("the classes are 0 ant, 1 cat"), "{:?}", set.train.notes());
    assert!(
        set.test.notes()[0].contains("a file that is no PNG, JPEG, WebP, GIF, TIFF, BMP or PGM file is left out"),
        "{:?}",
        set.test.notes()
    );
}

#[test]
fn pictures_without_a_test_folder_give_each_sixth() {
    let mut files = Vec::new();
    for class in ["1", "12", "2"] {
        files.extend((0..7u8).map(|n| (format!("{class}/{n}.png"), png(&[n, 0, 0, 0, 0, class.len() as u8]))));
    }
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, content)| (&**name, content.clone())).collect();
    let folder = folder(&files);
    let set = load(folder.path()).unwrap();
    assert_eq!((set.train.rows(), set.test.rows()), (18, 3));
    assert_eq!(set.test.labels(), [1, 12, 2], "names that are numbers are the classes");
    assert!(set.test.images().chunks(6).all(|image| image[0] == 5));
    assert!(set.train.images().chunks(6).all(|image| image[0] != 5));
    assert!(set.train.notes().iter().any(|note| note.contains("each sixth picture")), "{:?}", set.train.notes());
}

#[test]
fn faults_of_pictures_are_named() {
    let good = || ("train/a/1.png", png(&[0; 6]));
    let colour = encoded(image::DynamicImage::ImageRgb8(RgbImage::from_pixel(3, 2, Rgb([255, 0, 0]))));
    let clear = encoded(image::DynamicImage::ImageRgba8(RgbaImage::from_pixel(3, 2, Rgba([0, 0, 0, 0]))));
    let wide = encoded(image::DynamicImage::ImageLuma8(GrayImage::new(2, 2)));
    for (name, content, words) in [
        ("train/a/2.png", wide, &["2 x 2 pixels, but", "1.png has 2 x 3", "one size"][..]),
        ("train/a/2.png", clear, &["transparent"]),
        ("train/a/2.png", b"oops".to_vec(), &["not a PNG, JPEG, WebP, GIF, TIFF, BMP or PGM file"]),
        ("train/a/2.png", b"GIF89a".to_vec(), &["copy it again"]),
        ("train/a/2.png", png(&[0; 6])[..40].to_vec(), &[]),
    ] {
        let folder = folder(&[good(), (name, content), ("test/a/1.png", png(&[0; 6]))]);
        assert_told(&load(folder.path()).unwrap_err(), &folder.path().join(name), words);
    }
    let other = folder(&[good(), ("test/b/1.png", png(&[0; 6]))]);
    assert_told(&load(other.path()).unwrap_err(), &other.path().join("test/b"), &["a class that", "does not have"]);
    let misspelt = folder(&[good(), ("val/a/1.png", png(&[0; 6]))]);
    assert_told(
        &load(misspelt.path()).unwrap_err(),
        misspelt.path(),
        &["no folder test beside train, but val has classes too; rename it"],
    );
    let twice = folder(&[("1/1.png", png(&[0; 6])), ("01/1.png", png(&[0; 6]))]);
    assert_told(&load(twice.path()).unwrap_err(), twice.path(), &["the folders 01 and 1 are the same class"]);
    let few = folder(&[("a/1.png", png(&[0; 6]))]);
    assert_told(&load(few.path()).unwrap_err(), few.path(), &["no test pictures", "each sixth"]);
    let red = folder(&[good(), ("train/a/2.png", colour), ("test/a/1.png", png(&[0; 6]))]);
    let set = load(red.path()).unwrap();
    assert_eq!(set.train.images()[6], 54);
    assert!(
        set.train.notes().iter().any(|note| note.contains("1 picture in colour read as grey")),
        "{:?}",
        set.train.notes()
    );
}

#[test]
fn what_is_no_set_is_called_by_its_kind() {
    let packed = twolayer_numpy::write(&[("weights", npy(Type::F32, &[0], &[]))]).unwrap();
    // The same archive without arrays.
    let zip: Vec<u8> = packed.iter().map(|&byte| if byte == b'.' { b'_' } else { byte }).collect();
    let files = folder(&[
        ("a/archive.zip", zip),
        ("b/train-images-idx3-ubyte", vec![0, 0, 8, 3]),
        ("b/seven.png", png(&[0; 6])),
        ("b/x.npy", npy(Type::U8, &[1], &[1])),
        ("b/notes.txt", b"hello".to_vec()),
        ("c/readme.md", b"hello".to_vec()),
        ("d/one.npz", packed.clone()),
        ("d/two.npz", packed),
    ]);
    let at = |name: &str| -> PathBuf { files.path().join(name) };
    fs::create_dir(at("e")).unwrap();
    for (path, words) in [
        ("a/archive.zip", &["a zip archive of weights_npy; unpack it, for example by `unzip "][..]),
        ("b/train-images-idx3-ubyte", &["one file of a set; give the folder with all four"]),
        ("b/seven.png", &["a picture; give a folder with a folder for each class"]),
        ("b/x.npy", &["a single NumPy array", "numpy.savez"]),
        ("b/notes.txt", &["neither a folder nor a data set"]),
        ("a", &["no data set in this folder", "it has archive.zip; unpack archive.zip there"]),
        ("c", &["no data set in this folder", "it has readme.md"]),
        ("d", &["several NumPy archives, such as one.npz and two.npz"]),
        ("e", &["it has nothing"]),
        ("nowhere", &["no such folder"]),
    ] {
        assert_told(&load(at(path)).unwrap_err(), &at(path), words);
    }
}

#[test]
fn progress_reaches_the_end() {
    let rows: String = (0..1000).map(|n| format!("{},1,2\n", n % 10)).collect();
    let folder = csv(&rows);
    let seen = std::cell::RefCell::new(Vec::new());
    let progress = |path: &Path, done: u64, total: u64| seen.borrow_mut().push((path.to_owned(), done, total));
    let options = Options { progress: Some(&progress), ..Options::default() };
    Form::of(folder.path()).unwrap().load_part(Part::Train, &options).unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 3, "after each 256 rows");
    assert!(
        seen.iter()
            .all(|(path, done, total)| path.ends_with("train.csv") && done <= total && *total == rows.len() as u64)
    );
}

#[test]
fn one_half_of_idx_files_is_a_set() {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2][..], &[7, 8]].concat();
    let folder =
        folder(&[("t10k-images-idx3-ubyte", images), ("t10k-labels-idx1-ubyte", vec![0, 0, 8, 1, 0, 0, 0, 1, 3])]);
    let form = Form::of(folder.path()).unwrap();
    assert_eq!(form, Form::Idx(folder.path().to_owned()));
    assert_eq!(form.load_part(Part::Test, &Options::default()).unwrap().labels(), [3]);
    assert_told(&load(folder.path()).unwrap_err(), folder.path(), &["no training images", "t10k-images-idx3-ubyte"]);
}
