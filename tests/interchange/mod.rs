//! Export to and import from other programs, checked with those programs: NumPy, ONNX Runtime, the system's
//! compilers.

mod errors;
mod html;
mod outside;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{self, Model, float, floats, json, ok};
use outside::{compile, has_python, pixels, python, succeeds};
use serde_json::{Value, json as value};
use twolayer_core::{Activation, Init, Parameters, Rows, Shape, TwoLayerNet};
use twolayer_model::AnyModel;

/// The largest rounding error of a number just below 1, in each precision.
const ROUNDING: [(&str, f64); 2] = [("f32", f32::EPSILON as f64 / 2.0), ("f64", f64::EPSILON / 2.0)];

/// The bound of docs/interchange.md on how far probabilities are from the program's: a rounding for each input and each hidden unit.
fn bound(rounding: f64, inputs: usize, hidden: usize) -> f64 {
    rounding * (inputs + hidden) as f64
}

/// A model that was trained for a moment.
fn train(folder: &Path, precision: &str) -> PathBuf {
    let model = folder.join(format!("{precision}.safetensors"));
    ok(&format!("train --quiet --iters 1500 --lr 0.5 --seed 3 --precision {precision} --out {{}}"), &[&model]);
    model
}

/// The program's own probabilities for all bundled test images, one after the other.
fn predictions(model: &Path) -> Vec<f64> {
    let image = |i| floats(&json(&format!("predict {{}} --index {i}"), &[model])["probabilities"]);
    (0..360).flat_map(image).collect()
}

/// The tensors of a model file, byte for byte, without what is said of them.
fn tensors(model: &Path) -> Vec<u8> {
    let bytes = fs::read(model).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // Not `worst > tolerance`, which is false of NaN.
    assert!(worst <= tolerance && found.iter().all(|p| p.is_finite()), "off by {worst:e}");
}

#[test]
fn an_export_to_numpy_is_imported_bit_for_bit() {
    let scratch = tempfile::tempdir().unwrap();
    for (precision, _) in ROUNDING {
        let model = train(scratch.path(), precision);
        let [first, second, back] = ["a.npz", "b.NPZ", "back"].map(|name| scratch.path().join(name));
        let report = json("export {} --out {}", &[&model, &first]);
        assert_eq!(report["format"], "npz");
        assert_eq!(report["bytes"], fs::read(&first).unwrap().len());
        ok("export {} --out {}", &[&model, &second]);
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap(), "the same model, the same bytes");
        let report = json("import {} --out {}", &[&first, &back]);
        assert_eq!((&report["source"], &report["precision"]), (&value!("npz"), &value!(precision)));
        assert_eq!([&report["inputs"], &report["hidden"], &report["classes"]], [64, 50, 10]);
        assert_eq!(tensors(&back), tensors(&model));
    }
}

#[test]
fn numpy_reads_the_weights_and_what_it_writes_is_read() {
    if !has_python() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    for (precision, _) in ROUNDING {
        let model = train(scratch.path(), precision);
        let npz = scratch.path().join("weights.npz");
        ok("export {} --out {}", &[&model, &npz]);
        let (arrays, own) = (python("arrays.py", &[&npz]), Model::read(&model));
        assert_eq!(arrays.as_object().unwrap().len(), 4);
        for name in own.names() {
            let array = &arrays[name];
            let kind = if precision == "f32" { "<f4" } else { "<f8" };
            assert_eq!((&array["dtype"], &array["c_order"]), (&value!(kind), &value!(true)), "{name}");
            assert_eq!(array["shape"], value!(own.shape(name)), "{name}");
            assert_eq!(floats(&array["values"]), own.values(name), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        python("variants.py", &[&npz, &folder.path()]);
        let written = common::names_in(folder.path());
        assert_eq!(written.len(), 6, "{written:?}");
        for name in written {
            let back = scratch.path().join("back");
            ok("import {} --out {}", &[&folder.path().join(&name), &back]);
            assert_eq!(tensors(&back), tensors(&model), "{name}");
        }
    }
}

#[test]
fn onnx_runtime_gives_the_same_probabilities() {
    if !has_python() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (images, _) = pixels(scratch.path());
    for (precision, rounding) in ROUNDING {
        let model = train(scratch.path(), precision);
        let exported = scratch.path().join("model.onnx");
        let report = json("export {} --out {}", &[&model, &exported]);
        assert_eq!((&report["format"], &report["activation"]), (&value!("onnx"), &value!("sigmoid")));
        let ran = python("run_onnx.py", &[&exported, &images]);
        let kind = if precision == "f32" { "tensor(float)" } else { "tensor(double)" };
        assert_eq!(ran["input"], value!(["pixels", ["N", 64], kind]));
        assert_eq!(ran["output"], value!(["probabilities", ["N", 10], kind]));
        assert_eq!((&ran["ir_version"], &ran["opset"]), (&value!(8), &value!(13)));
        assert_eq!(ran["producer"], value!(["twolayer", env!("CARGO_PKG_VERSION")]));
        assert!(ran["doc"].as_str().unwrap().contains("1/255"), "{}", ran["doc"]);
        assert_eq!(ran["metadata"]["input_scale"], "1/255");
        assert_eq!(ran["metadata"]["train.seed"], "3");
        assert_close(&floats(&ran["probabilities"]), &predictions(&model), bound(rounding, 64, 50));
    }
}

#[test]
fn the_c_header_compiles_without_a_warning_and_gives_the_same_probabilities() {
    let scratch = tempfile::tempdir().unwrap();
    let (images, _) = pixels(scratch.path());
    for (precision, rounding) in ROUNDING {
        let model = train(scratch.path(), precision);
        let expected = predictions(&model);
        let report = json("export {} --out {}", &[&model, &scratch.path().join("model.h")]);
        assert_eq!((&report["format"], &report["name"]), (&value!("c"), &value!("model")));
        let real = if precision == "f32" { "float" } else { "double" };
        for standard in ["c99", "c17", "c++11", "c++20"] {
            let binary = compile(scratch.path(), standard, real);
            assert_printed(&succeeds(Command::new(binary).arg(&images)), &expected, bound(rounding, 64, 50));
        }
    }
}

/// The bound holds on every image of MNIST, also for a larger network.
#[test]
fn exports_keep_to_the_bound_on_all_of_mnist() {
    let Some(folder) = common::mnist() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let [model, images] = ["model", "pixels"].map(|name| scratch.path().join(name));
    let data = twolayer_idx::DataSet::load(&folder).unwrap();
    let pixels = [data.train.images(), data.test.images()].concat();
    fs::write(&images, &pixels).unwrap();
    for (precision, rounding) in ROUNDING {
        let options = format!("--precision {precision} --hidden 256 --iters 3000 --lr 0.5 --quiet");
        ok(&format!("train --data {{}} --out {{}} {options}"), &[&folder, &model]);
        let expected: Vec<f64> = match AnyModel::load(&model).unwrap() {
            AnyModel::F32(model) => {
                let net = TwoLayerNet::new(model.parameters);
                net.predict(Rows::Pixels(&pixels)).unwrap().into_iter().map(f64::from).collect()
            }
            AnyModel::F64(model) => TwoLayerNet::new(model.parameters).predict(Rows::Pixels(&pixels)).unwrap(),
        };
        ok("export {} --out {}", &[&model, &scratch.path().join("model.h")]);
        let real = if precision == "f32" { "float" } else { "double" };
        let printed = succeeds(Command::new(compile(scratch.path(), "c99", real)).arg(&images));
        assert_printed(&printed, &expected, bound(rounding, 784, 256));
        if has_python() {
            let onnx = scratch.path().join("model.onnx");
            ok("export {} --out {}", &[&model, &onnx]);
            let ran = python("run_onnx.py", &[&onnx, &images]);
            assert_close(&floats(&ran["probabilities"]), &expected, bound(rounding, 784, 256));
        }
    }
}

/// Both lines that predict.c prints for each image.
#[track_caller]
fn assert_printed(text: &str, expected: &[f64], tolerance: f64) {
    let lines: Vec<Vec<f64>> = text.lines().map(|l| l.split(' ').map(|p| p.parse().unwrap()).collect()).collect();
    for line in 0..2 {
        let found: Vec<f64> = lines.iter().skip(line).step_by(2).flatten().copied().collect();
        assert_close(&found, expected, tolerance);
    }
}

#[test]
fn the_names_in_the_header_are_those_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let (images, _) = pixels(scratch.path());
    let model = train(scratch.path(), "f32");
    // Words of which the header itself is made must not be mistaken for the name.
    for name in ["digits", "REAL", "NAME_GUARD_ONE", "EXP"] {
        let [header, wrapper] = ["named.h", "model.h"].map(|file| scratch.path().join(file));
        let report = json(&format!("export {{}} --format c --name {name} --out {{}}"), &[&model, &header]);
        assert_eq!(report["name"], name);
        let macros = ["inputs", "classes", "predict", "predict_u8"];
        let macros: String = macros.iter().map(|part| format!("#define model_{part} {name}_{part}\n")).collect();
        fs::write(wrapper, format!("#include \"named.h\"\n{macros}")).unwrap();
        let text = succeeds(Command::new(compile(scratch.path(), "c99", "float")).arg(&images));
        assert_eq!(text.lines().count(), 720);
    }
}

#[test]
fn pytorchs_weights_are_transposed() {
    if !has_python() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (images, _) = pixels(scratch.path());
    let [file, model] = ["torch.safetensors", "model"].map(|name| scratch.path().join(name));
    for (kind, precision, first, second) in
        [("f4", "f32", "fc1", "fc2"), ("f8", "f64", "fc1", "fc2"), ("f4", "f32", "0", "2"), ("f2", "f32", "fc1", "fc2")]
    {
        let expected = floats(&python("layers.py", &[&kind, &first, &second, &images, &file]));
        let report = json("import {} --out {}", &[&file, &model]);
        assert_eq!((&report["source"], &report["precision"]), (&value!("torch"), &value!(precision)));
        assert_eq!([&report["inputs"], &report["hidden"], &report["classes"]], [64, 23, 10]);
        let (_, rounding) = ROUNDING[usize::from(precision == "f64")];
        assert_close(&predictions(&model), &expected, bound(rounding, 64, 23));
    }
}

/// The probabilities of all images by the formulas, in double precision.
fn forward(parameters: &Parameters<f32>, pixels: &[u8]) -> Vec<f64> {
    let (w1, w2) = (parameters.get(twolayer_core::Parameter::W1), parameters.get(twolayer_core::Parameter::W2));
    let image = |image: &[u8]| {
        let x: Vec<f64> = image.iter().map(|&p| f64::from(f32::from(p) / 255.0)).collect();
        let sum =
            |j| f64::from(parameters.b1()[j]) + (0..w1.rows()).map(|i| x[i] * f64::from(w1.get(i, j))).sum::<f64>();
        let hidden: Vec<f64> = (0..w1.cols()).map(|j| sum(j).max(0.0)).collect();
        let logit = |k| {
            f64::from(parameters.b2()[k]) + (0..w2.rows()).map(|j| hidden[j] * f64::from(w2.get(j, k))).sum::<f64>()
        };
        let powers: Vec<f64> = (0..w2.cols()).map(|k| logit(k).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / sum).collect::<Vec<_>>()
    };
    pixels.chunks(64).flat_map(image).collect()
}

#[test]
fn relu_is_exported() {
    let scratch = tempfile::tempdir().unwrap();
    let (images, pixels) = pixels(scratch.path());
    let mut state = 1u32;
    let parameters = Parameters::normal(Shape::new(64, 20, 10).unwrap(), Init::Normal(0.2), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    });
    let expected = forward(&parameters, &pixels);
    let mut model = twolayer_model::Model::new(parameters);
    model.activation = Activation::Relu;
    let [file, header] = ["model.st", "model.h"].map(|name| scratch.path().join(name));
    model.save(&file).unwrap();
    ok("export {} --out {}", &[&file, &header]);
    assert_printed(
        &succeeds(Command::new(compile(scratch.path(), "c99", "float")).arg(&images)),
        &expected,
        bound(ROUNDING[0].1, 64, 20),
    );
    if has_python() {
        let onnx = scratch.path().join("model.onnx");
        ok("export {} --out {}", &[&file, &onnx]);
        let ran: Value = python("run_onnx.py", &[&onnx, &images]);
        assert_eq!(ran["metadata"]["activation"], "relu");
        assert_close(&floats(&ran["probabilities"]), &expected, bound(ROUNDING[0].1, 64, 20));
        assert!(float(&ran["probabilities"][0]) > 0.0);
    }
}

#[test]
fn an_npz_of_a_relu_network_names_the_activation() {
    let scratch = tempfile::tempdir().unwrap();
    let [file, npz, back] = ["model.st", "model.npz", "back"].map(|name| scratch.path().join(name));
    let mut model = twolayer_model::Model::new(Parameters::<f32>::zeros(Shape::new(4, 3, 2).unwrap()));
    model.activation = Activation::Relu;
    model.save(&file).unwrap();
    ok("export {} --out {}", &[&file, &npz]);
    assert_eq!(json("import {} --out {}", &[&npz, &back])["activation"], "relu");
    assert_eq!(fs::read(&back).unwrap(), fs::read(&file).unwrap());
    assert_eq!(json("import {} --activation sigmoid --out {}", &[&npz, &back])["activation"], "sigmoid");
    if has_python() {
        let arrays = python("arrays.py", &[&npz]);
        let activation = &arrays["activation"];
        assert_eq!((&activation["values"], &activation["shape"]), (&value!("relu"), &value!([])), "{activation}");
        python("variants.py", &[&npz, &scratch.path()]);
        for name in common::names_in(scratch.path()).iter().filter(|name| name.ends_with(".npz")) {
            let report = json("import {} --out {}", &[&scratch.path().join(name), &back]);
            assert_eq!(report["activation"], "relu", "{name}");
        }
    }
}
