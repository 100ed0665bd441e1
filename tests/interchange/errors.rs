//! Errors of export and import: each is one paragraph and an exit code, and leaves no partial files.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::common::{fails, json, names_in, ok};

/// An array of numbers in single precision as NumPy writes it.
fn array(sizes: &str, numbers: &[f32]) -> Vec<u8> {
    typed("<f4", sizes, &numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
}

fn typed(kind: &str, sizes: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{:117}\n", format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}"));
    [b"\x93NUMPY\x01\x00v\x00", header.as_bytes(), data].concat()
}

fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The arrays of a network of 2, 3 and 2 units.
fn arrays() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("W1.npy", array("2, 3", &[1.0; 6])),
        ("b1.npy", array("3,", &[1.0; 3])),
        ("W2.npy", array("3, 2", &[1.0; 6])),
        ("b2.npy", array("2,", &[1.0; 2])),
    ]
}

/// The same with one of them replaced.
fn with(name: &'static str, bytes: Vec<u8>) -> Vec<u8> {
    let mut arrays = arrays();
    match arrays.iter_mut().find(|(other, _)| *other == name) {
        Some(entry) => entry.1 = bytes,
        None => arrays.push((name, bytes)),
    }
    archive(&arrays)
}

/// A safetensors file of zeros in single precision.
fn torch(kind: &str, tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut entries, mut offset) = (Vec::new(), 0);
    for (name, sizes) in tensors {
        let end = offset + 4 * sizes.iter().product::<usize>();
        entries.push(format!(r#""{name}":{{"dtype":"{kind}","shape":{sizes:?},"data_offsets":[{offset},{end}]}}"#));
        offset = end;
    }
    let header = format!("{{{}}}", entries.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; offset]].concat()
}

const LAYERS: [(&str, &[usize]); 4] =
    [("fc1.weight", &[3, 2]), ("fc1.bias", &[3]), ("fc2.weight", &[2, 3]), ("fc2.bias", &[2])];

fn layers_with(at: usize, tensor: (&'static str, &'static [usize])) -> Vec<u8> {
    let mut layers = LAYERS;
    layers[at] = tensor;
    torch("F32", &layers)
}

/// `import` of these bytes fails with all of `words` and leaves the file that was there as it was.
#[track_caller]
fn import_fails(bytes: &[u8], words: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let [file, out] = ["given", "out"].map(|name| scratch.path().join(name));
    fs::write(&file, bytes).unwrap();
    fs::write(&out, "precious").unwrap();
    let ran = fails(1, "import {} --out {}", &[&file, &out], &[&[file.to_str().unwrap()], words].concat());
    assert_eq!(ran.stdout, "");
    assert_eq!(fs::read(&out).unwrap(), b"precious");
    assert_eq!(names_in(scratch.path()), ["given", "out"]);
}

#[test]
fn every_fault_of_an_archive_has_its_error() {
    let whole = archive(&arrays());
    let scratch = tempfile::tempdir().unwrap();
    let [file, out] = ["whole", "out"].map(|name| scratch.path().join(name));
    fs::write(&file, &whole).unwrap();
    ok("import {} --out {}", &[&file, &out]);

    import_fails(&archive(&arrays()[..3]), &["no array b2", "\"W1\", \"W2\", \"b1\"", "numpy.savez"]);
    import_fails(&archive(&[]), &["no array W1", "none"]);
    import_fails(&with("W3.npy", array("2, 2", &[1.0; 4])), &["besides", "\"W3\""]);
    import_fails(&with("b1.npy", array("4,", &[1.0; 4])), &["b1", "[4]", "[3]", "W1"]);
    import_fails(&with("W2.npy", array("2, 2", &[1.0; 4])), &["W2", "[2, 2]", "[3, 2]", "W1"]);
    import_fails(&with("W1.npy", array("6,", &[1.0; 6])), &["W1", "[6]", "[inputs, outputs]"]);
    import_fails(&with("b2.npy", array("1, 2, 1", &[1.0; 2])), &["b2", "[1, 2, 1]", "[units]"]);
    import_fails(&with("b2.npy", array("2,", &[1.0; 3])), &["array b2", "12 bytes", "[2]"]);
    import_fails(&with("W1.npy", array("9999999999, 9999999999", &[1.0; 6])), &["array W1", "24 bytes", "9999999999]"]);
    import_fails(&with("W1.npy", array("0, 3", &[])), &["do not form a network"]);
    import_fails(&with("b1.npy", typed("<i8", "3,", &[0; 24])), &["b1", "int64", "float32"]);
    import_fails(&with("b1.npy", typed("|O", "3,", b"pickle")), &["b1", "|O"]);
    import_fails(&with("b1.npy", typed("<f8", "3,", &[0; 24])), &["b1 in double precision", "W1, W2, b2 not"]);
    import_fails(&with("b1.npy", array("3,", &[0.0, f32::NAN, 0.0])), &["b1[1]", "NaN"]);
    import_fails(&with("W1.npy", array("2, 3", &[0.0, 0.0, 0.0, 0.0, f32::INFINITY, 0.0])), &["W1[1, 1]"]);
    import_fails(&with("b1.npy", b"no array".to_vec()), &["b1", "not a NumPy array"]);
    import_fails(&with("archive/data.pkl", Vec::new()), &["PyTorch", "save_file"]);
    import_fails(&whole[..whole.len() - 40], &["damaged"]);
}

#[test]
fn every_fault_of_a_state_dict_has_its_error() {
    let needs = "two linear layers";
    import_fails(
        &torch("F32", &LAYERS[..3]),
        &[needs, "\"fc1.bias\" [3], \"fc1.weight\" [3, 2], \"fc2.weight\" [2, 3]"],
    );
    import_fails(&torch("F32", &[("l1.weight", &[3, 2])]), &[needs, "\"l1.weight\" [3, 2]", "--layers A,B"]);
    import_fails(&torch("F32", &[&LAYERS[..], &[("fc3.weight", &[2, 2])]].concat()), &["besides", "fc3.weight"]);
    let third: [(&str, &[usize]); 2] = [("fc3.weight", &[2, 2]), ("fc3.bias", &[2])];
    import_fails(&torch("F32", &[&LAYERS[..], &third].concat()), &[needs, "fc3.weight", "--layers A,B"]);
    let norm: [(&str, &[usize]); 1] = [("bn.running_mean", &[3])];
    import_fails(&torch("F32", &[&LAYERS[..], &norm].concat()), &["besides", "bn.running_mean", "--layers A,B"]);
    let either: [(&str, &[usize]); 4] =
        [("decoder.weight", &[2, 3]), ("decoder.bias", &[2]), ("encoder.weight", &[3, 2]), ("encoder.bias", &[3])];
    import_fails(&torch("F32", &either), &["either order", "--layers encoder,decoder"]);
    import_fails(&torch("I32", &LAYERS), &["fc1.weight", "I32", "F64", ".float()"]);
    import_fails(&layers_with(2, ("fc2.weight", &[3, 2])), &["fc2.weight", "[3, 2]", "[3, 3]", "fc1.weight"]);
    import_fails(&layers_with(1, ("fc1.bias", &[2])), &["fc1.bias", "[2]", "[3]"]);
    import_fails(&layers_with(0, ("fc1.weight", &[3, 1, 2])), &["\"fc1.weight\" [3, 1, 2]", "[outputs, inputs]"]);
    let mut infinite = torch("F32", &LAYERS);
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    import_fails(&infinite, &["fc2.bias[1]"]);
    import_fails(&torch("F32", &LAYERS)[..end - 1], &["damaged safetensors"]);
}

/// The weights of a network by its model file, after an import.
fn imported(bytes: &[u8], options: &str) -> [Vec<f64>; 4] {
    let scratch = tempfile::tempdir().unwrap();
    let [file, out] = ["given", "out"].map(|name| scratch.path().join(name));
    fs::write(&file, bytes).unwrap();
    json(&format!("import {{}} --out {{}} {options}"), &[&file, &out]);
    let model = crate::common::Model::read(&out);
    assert_eq!([model.shape("W1"), model.shape("W2")], [[2, 3], [3, 4]]);
    ["W1", "b1", "W2", "b2"].map(|name| model.values(name).to_vec())
}

/// The numbers 1 to 25 as weights and biases of 2, 3 and 4 units, in the notebook's order.
fn counted() -> [Vec<f64>; 4] {
    [1..7, 7..10, 10..22, 22..26].map(|range| range.map(f64::from).collect())
}

/// The same in single precision, the weights transposed if asked.
fn counted_as(transposed: bool) -> [Vec<f32>; 4] {
    let [w1, b1, w2, b2] = counted().map(|numbers| numbers.iter().map(|&x| x as f32).collect::<Vec<_>>());
    let turned = |w: &[f32], columns: usize| -> Vec<f32> {
        (0..columns).flat_map(|column| w.iter().skip(column).step_by(columns).copied()).collect()
    };
    if transposed { [turned(&w1, 3), b1, turned(&w2, 4), b2] } else { [w1, b1, w2, b2] }
}

/// A safetensors file of those numbers as PyTorch has them, with these names.
fn counted_torch(names: [&str; 4], extra: &[(&str, &[usize])]) -> Vec<u8> {
    let tensors: [(&str, &[usize]); 4] = [(names[0], &[3, 2]), (names[1], &[3]), (names[2], &[4, 3]), (names[3], &[4])];
    let mut bytes = torch("F32", &[&tensors[..], extra].concat());
    let numbers = counted_as(true).concat().iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let of_extra: usize = extra.iter().map(|(_, sizes)| 4 * sizes.iter().product::<usize>()).sum();
    let end = bytes.len() - of_extra;
    bytes[end - numbers.len()..end].copy_from_slice(&numbers);
    bytes
}

#[test]
fn layers_are_found_by_their_sizes_whatever_their_names() {
    for [first, second] in [
        ["fc1", "fc2"],
        ["0", "2"],
        // nn.Sequential with nn.Flatten before.
        ["1", "3"],
        ["linear_relu_stack.0", "linear_relu_stack.2"],
        ["module._orig_mod.net.9", "module._orig_mod.net.10"],
        ["hidden", "output"],
        ["output", "hidden"],
    ] {
        let names = [first, second].map(|layer| [format!("{layer}.weight"), format!("{layer}.bias")]).concat();
        let names: [&str; 4] = std::array::from_fn(|i| names[i].as_str());
        assert_eq!(imported(&counted_torch(names, &[]), ""), counted(), "{names:?}");
        let extra: [(&str, &[usize]); 3] = [("head.weight", &[2, 3]), ("head.bias", &[2]), ("step", &[])];
        let bytes = counted_torch(names, &extra);
        assert_eq!(imported(&bytes, &format!("--layers {first},{second}")), counted(), "{names:?}");
    }
    for names in [["weight1", "bias1", "weight2", "bias2"], ["w_1", "b_1", "w_2", "b_2"]] {
        assert_eq!(imported(&counted_torch(names, &[]), ""), counted(), "{names:?}");
    }
}

#[test]
fn transposed_arrays_and_columns_are_understood_where_unambiguous() {
    let named = |name, sizes: &str, numbers: &[f32]| (name, array(sizes, numbers));
    let as_is = counted_as(false);
    let turned = counted_as(true);
    for (i, sizes) in ["3,", "1, 3", "3, 1"].iter().enumerate() {
        for [first, second] in [[false, false], [true, true], [false, true], [true, false]] {
            let w1 = if first { named("W1.npy", "3, 2", &turned[0]) } else { named("W1.npy", "2, 3", &as_is[0]) };
            let w2 = if second { named("W2.npy", "4, 3", &turned[2]) } else { named("W2.npy", "3, 4", &as_is[2]) };
            let b1 = named("b1.npy", sizes, &as_is[1]);
            let b2 = named("b2.npy", ["4,", "1, 4", "4, 1"][i], &as_is[3]);
            assert_eq!(imported(&archive(&[w1, b1, w2, b2]), ""), counted(), "{sizes} {first} {second}");
        }
    }
    // W1 is transposed, so that a square W2 may be too.
    let square = [
        named("W1.npy", "3, 2", &[1.0; 6]),
        named("b1.npy", "3,", &[1.0; 3]),
        named("W2.npy", "3, 3", &[1.0; 9]),
        named("b2.npy", "3,", &[1.0; 3]),
    ];
    import_fails(&archive(&square), &["W2 is square, [3, 3]", ".T"]);
    let mut plain = square;
    plain[0] = named("W1.npy", "2, 3", &[1.0; 6]);
    let scratch = tempfile::tempdir().unwrap();
    let [file, out] = ["given", "out"].map(|name| scratch.path().join(name));
    fs::write(&file, archive(&plain)).unwrap();
    json("import {} --out {}", &[&file, &out]);
    fails(1, "import {} --out {} --layers a,b", &[&file, &out], &["--layers is for PyTorch"]);
    fails(2, "import {} --out {} --layers a", &[&file, &out], &["two names"]);
}

/// A ReLU network imported as a sigmoid one predicts nonsense, so what is assumed is told, always.
#[test]
fn an_assumed_activation_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let [file, out, given] = ["given", "out", "relu.npz"].map(|name| scratch.path().join(name));
    let told = |options: &str, named: bool| {
        let report = json(&format!("import {{}} --out {{}} {options}"), &[&file, &out]);
        let assumed: Vec<&str> = report["assumed"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let of_activation =
            assumed.iter().any(|a| a.contains("activation is sigmoid") && a.contains("--activation relu"));
        assert_eq!((of_activation, assumed.len()), (!named, 2 - usize::from(named)), "{options}: {report}");
        let text = ok(&format!("import {{}} --out {{}} --quiet {options}"), &[&file, &out]);
        assert_eq!(text.matches("Assumed   ").count(), assumed.len(), "{text}");
        assert!(assumed.iter().all(|a| text.contains(a)) && text.contains("pixels from 0 to 1"), "{text}");
    };
    for bytes in [torch("F32", &LAYERS), archive(&arrays())] {
        fs::write(&file, bytes).unwrap();
        told("", false);
        told("--activation sigmoid", true);
        told("--activation relu", true);
    }
    ok("export {} --out {}", &[&out, &given]);
    fs::rename(&given, &file).unwrap();
    told("", true);
}

#[test]
fn files_without_a_network_are_errors() {
    import_fails(b"", &["empty"]);
    import_fails(b"<!DOCTYPE html>", &["a web page"]);
    import_fails(b"\x93NUMPY\x01\0", &["a single NumPy array"]);
    let scratch = tempfile::tempdir().unwrap();
    let model = model(scratch.path());
    import_fails(&fs::read(model).unwrap(), &["already a model of twolayer"]);
    let [out, missing] = ["out", "missing"].map(|name| scratch.path().join(name));
    fails(1, "import {} --out {}", &[&missing, &out], &["missing", "check the path"]);
    fails(1, "import {} --out {}", &[scratch.path(), &out], &["folder"]);
    let file = scratch.path().join("weights.npz");
    fs::write(&file, archive(&arrays())).unwrap();
    fails(2, "import {} --activation tanh --out {}", &[&file, &out], &["tanh", "sigmoid, relu"]);
    assert!(!out.exists());
}

fn model(folder: &Path) -> std::path::PathBuf {
    let model = folder.join("model");
    ok("train --quiet --iters 1 --out {}", &[&model]);
    model
}

#[test]
fn invalid_exports_are_errors() {
    let scratch = tempfile::tempdir().unwrap();
    let model = model(scratch.path());
    let before = fs::read(&model).unwrap();
    let at = |name: &str| scratch.path().join(name);
    for name in ["out", "out.txt", "out.c"] {
        fails(2, "export {} --out {}", &[&model, &at(name)], &[name, ".npz, .onnx, .h or .html", "--format"]);
    }
    fails(2, "export {} --format npz --out {}", &[&model, &model], &["is the model file"]);
    fails(2, "export {} --name 2x --out {}", &[&model, &at("out.h")], &["\"2x\"", "begin with a letter"]);
    fails(2, "export {} --name x --out {}", &[&model, &at("out.npz")], &["--name works only with --format c"]);
    fails(2, "export {} --format pdf --out {}", &[&model, &at("out")], &["pdf", "npz, onnx, c, html"]);
    fails(2, "export {}", &[&model], &["--out"]);
    fails(1, "export {} --out {}", &[&at("missing"), &at("out.npz")], &["missing", "check the path"]);
    fails(1, "export {} --out {}", &[&model, &at("no/out.npz")], &["there is no folder"]);
    assert_eq!(names_in(scratch.path()), ["model"]);
    assert_eq!(fs::read(&model).unwrap(), before);
}

#[test]
fn networks_that_take_no_images_have_no_page_to_draw_on() {
    let scratch = tempfile::tempdir().unwrap();
    let [file, model, page] = ["file", "model", "page.html"].map(|name| scratch.path().join(name));
    for inputs in [2, 4, 9, 15, 18] {
        let first = array(&format!("{inputs}, 3"), &vec![1.0; 3 * inputs]);
        fs::write(&file, with("W1.npy", first)).unwrap();
        ok("import {} --out {}", &[&file, &model]);
        let found = format!("takes {inputs} inputs");
        fails(1, "export {} --out {}", &[&model, &page], &[&found, "28 x 28", "export it as onnx"]);
        assert!(!page.exists());
    }
}
