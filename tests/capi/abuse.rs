//! Generates a C program from the header that calls every function with valid arguments, then with one invalid one.
//!
//! Valid arguments are looked up by a parameter's name and type, so functions added to the header are called too,
//! or the generator stops at an unknown name.

use std::fmt::Write;

/// The support code, which the calls are appended to.
const SUPPORT: &str = include_str!("c/abuse.c");

/// A function of the header.
pub struct Function {
    pub name: String,
    returns: String,
    parameters: Vec<Parameter>,
}

struct Parameter {
    /// Such as `const float *`.
    kind: String,
    name: String,
}

impl Parameter {
    fn is_pointer(&self) -> bool {
        self.kind.contains('*')
    }

    /// What it points to.
    fn target(&self) -> &str {
        self.kind.trim_start_matches("const ").trim_start_matches("struct ").split(' ').next().unwrap()
    }

    fn is_const(&self) -> bool {
        self.kind.starts_with("const ")
    }

    /// Whether it is a plain buffer, which must not overlap others.
    fn is_buffer(&self) -> bool {
        self.is_pointer() && !self.target().starts_with("tl_") && self.target() != "char"
    }
}

/// All functions that the header declares.
pub fn functions(header: &str) -> Vec<Function> {
    let mut text = String::new();
    let mut comment = false;
    for line in header.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.starts_with("typedef")) {
        comment |= line.starts_with("/*");
        if !comment {
            text.push_str(line);
            text.push(' ');
        }
        comment &= !line.ends_with("*/");
    }
    text.split(';').filter_map(function).collect()
}

fn function(declaration: &str) -> Option<Function> {
    let (head, tail) = declaration.split_once('(')?;
    let head = head.rsplit(['}', '{']).next()?.trim();
    let at = head.rfind("tl_").filter(|&at| at > 0)?;
    let parameters = tail.strip_suffix(')')?.split(',').map(str::trim).filter(|p| *p != "void").map(|parameter| {
        let at = parameter.rfind([' ', '*']).unwrap() + 1;
        Parameter { kind: parameter[..at].trim().to_owned(), name: parameter[at..].to_owned() }
    });
    let returns = head[..at].trim().to_owned();
    Some(Function { name: head[at..].to_owned(), returns, parameters: parameters.collect() })
}

/// The program, and how many functions it calls.
pub fn program(header: &str) -> (String, usize) {
    let functions = functions(header);
    let mut calls = String::from("\nstatic void test_all(void) {\n");
    for function in functions.iter().filter(|f| f.returns == "tl_status") {
        function.write_calls(&mut calls);
    }
    calls.push_str("}\n");
    (SUPPORT.to_owned() + &calls, functions.len())
}

impl Function {
    /// `f32` or `f64`, of functions that have a precision.
    fn precision(&self) -> &str {
        if self.name.ends_with("_f64") { "f64" } else { "f32" }
    }

    fn write_calls(&self, out: &mut String) {
        let right: Vec<String> = self.parameters.iter().map(|p| self.valid(p)).collect();
        let mut call = |status: &str, wrong: Option<(usize, &str)>| {
            let mut arguments = right.clone();
            if let Some((at, argument)) = wrong {
                arguments[at] = argument.to_owned();
            }
            writeln!(out, "    CALL(TL_STATUS_{status}, {}({}));", self.name, arguments.join(", ")).unwrap();
        };
        call("OK", None);
        for (i, p) in self.parameters.iter().enumerate() {
            let right = right[i].as_str();
            match (p.kind.as_str(), p.name.as_str()) {
                ("const tl_run_options *" | "const struct tl_run_options *", _) => call("OK", Some((i, "NULL"))),
                (kind, _) if kind.contains('*') => call("NULL_POINTER", Some((i, "NULL"))),
                ("size_t", "size") => {
                    ["0", "7", "15", "4097", "SIZE_MAX"].iter().for_each(|n| call("STRUCT_SIZE", Some((i, n))))
                }
                ("size_t", name) if name.ends_with("_length") => {
                    // Buffers for texts and sizes may be larger than necessary.
                    let more = if matches!(name, "name_length" | "sizes_length") { &[][..] } else { &["+ 1", "* 2"] };
                    let any = self.name.contains("sigmoid");
                    more.iter().filter(|_| !any).for_each(|m| call("LENGTH", Some((i, &format!("{right} {m}")))));
                    let few: &[&str] = if any {
                        &[]
                    } else if name == "sizes_length" || name == "name_length" {
                        &["0"]
                    } else {
                        &["0", "1"]
                    };
                    few.iter().for_each(|n| call("LENGTH", Some((i, n))));
                    call("LENGTH", Some((i, "SIZE_MAX")));
                }
                _ => {}
            }
            if p.is_pointer() && !matches!(p.target(), "char" | "uint8_t" | "int8_t") {
                call("MISALIGNED", Some((i, &format!("ODD({right})"))));
            }
            if p.target().starts_with("tl_network") && !p.kind.contains("**") {
                let (dead, other) = match self.precision() {
                    "f64" => ("dead_f64", "(void *)network_f32"),
                    _ => ("dead_f32", "(void *)network_f64"),
                };
                call("HANDLE", Some((i, other)));
                call("HANDLE", Some((i, &format!("with_freed ? {dead} : {other}"))));
            }
        }
        self.write_overlaps(&right, out);
        self.write_sizes(&right, out);
    }

    /// Each buffer that is written, over each of the others.
    fn write_overlaps(&self, right: &[String], out: &mut String) {
        for (i, p) in self.parameters.iter().enumerate().filter(|(_, p)| p.is_buffer() && !p.is_const()) {
            for (j, other) in self.parameters.iter().enumerate().filter(|(j, other)| *j != i && other.is_buffer()) {
                let mut arguments = right.to_vec();
                // The start of the stricter one is aligned for both.
                let (from, to) = if width(p.target()) >= width(other.target()) { (i, j) } else { (j, i) };
                arguments[to] = format!("(void *){}", right[from]);
                writeln!(out, "    CALL(TL_STATUS_OVERLAP, {}({}));", self.name, arguments.join(", ")).unwrap();
            }
        }
    }

    /// Structs that begin with their size, with wrong sizes.
    fn write_sizes(&self, right: &[String], out: &mut String) {
        for argument in
            self.parameters.iter().zip(right).filter(|(p, _)| p.is_const() && p.target().ends_with("_options"))
        {
            let variable = argument.1.trim_start_matches('&');
            for size in ["0", "8", &format!("sizeof {variable} - 1"), "4097", "SIZE_MAX"] {
                writeln!(
                    out,
                    "    reset();\n    {variable}.size = {size};\n    before = now;\n    \
                     expect(\"{} with size {size}\", TL_STATUS_STRUCT_SIZE, {}({}));",
                    self.name,
                    self.name,
                    right.join(", ")
                )
                .unwrap();
            }
        }
    }

    /// A valid argument.
    fn valid(&self, p: &Parameter) -> String {
        let (precision, target) = (self.precision(), p.target());
        let suffix = match target {
            "float" => "f32",
            "double" => "f64",
            other => other.trim_end_matches("_t").trim_start_matches("uint").trim_start_matches("int"),
        };
        let typed = |name: &str| match target {
            "uint8_t" | "uint32_t" => format!("now.{name}_u{suffix}"),
            "int8_t" | "int16_t" | "int32_t" => format!("now.{name}_i{suffix}"),
            _ => format!("now.{name}_{suffix}"),
        };
        let element = self.name.rsplit('_').next().unwrap();
        match (p.kind.as_str(), p.name.as_str()) {
            (kind, "network") if kind.contains("**") && self.name.contains("free") => format!("fresh_{precision}()"),
            (kind, "network") if kind.contains("**") => format!("&made_{precision}"),
            (_, "network") => format!("network_{precision}"),
            ("size_t *", "inputs" | "hidden" | "classes" | "threads" | "iterations" | "count") => {
                format!("&now.{}", p.name)
            }
            ("size_t", "inputs" | "hidden" | "classes") => p.name.to_uppercase(),
            ("size_t", "threads" | "rows") => "2".into(),
            ("size_t", "index") | (_, "parameter" | "seed" | "beta") => "0".into(),
            ("size_t", "size") => {
                if self.name.contains("train") { "sizeof(tl_train_options)" } else { "sizeof(tl_run_options)" }.into()
            }
            ("double", "learning_rate" | "h") | (_, "alpha") => "0.125".into(),
            ("double *", "loss" | "accuracy") => format!("&now.{}", p.name),
            ("int32_t *", "element") | ("size_t *", "dimensions") => format!("&now.{}", p.name),
            ("size_t *", "sizes") | ("char *", "name") => format!("now.{}", p.name),
            ("const char *", "name") => "\"scalar\"".into(),
            ("const char *", "path") if self.name.contains("load") => format!("model_{precision}"),
            ("const char *", "path") if self.name.contains("save") => "saved".into(),
            ("const char *", "path") if self.name.contains("info") => "idx_u8".into(),
            ("const char *", "path") => format!("idx_{element}"),
            ("size_t", "x_length") => "8".into(),
            ("size_t", "labels_length" | "classes_length" | "elements_length") => "2".into(),
            ("size_t", "sizes_length" | "probabilities_length") => "4".into(),
            ("size_t", "name_length") => "16".into(),
            ("size_t", "values_length" | "gradient_length" | "parameters_length") => "PARAMETERS".into(),
            (_, "parameters") => typed("values"),
            (_, "x" | "labels" | "classes" | "probabilities" | "values" | "gradient" | "elements") => typed(&p.name),
            (_, "options") => format!("&now.{}", target.trim_start_matches("tl_")),
            (_, "a" | "b" | "c") => format!("&now.{}_view_{precision}", p.name),
            (kind, "logits") => format!("&now.{}_view_{precision}", if kind.contains("mut") { "c" } else { "a" }),
            (kind, name) => panic!("{}: what is a right {kind} {name}? Tell abuse.rs and abuse.c", self.name),
        }
    }
}

fn width(target: &str) -> usize {
    match target {
        "uint8_t" | "int8_t" => 1,
        "int16_t" => 2,
        "uint32_t" | "int32_t" | "float" => 4,
        _ => 8,
    }
}
