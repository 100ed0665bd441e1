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

/// A call that must end with a status: the arguments, after a statement that prepares them.
struct Case<'a> {
    status: &'a str,
    prepare: String,
    arguments: Vec<String>,
}

impl Parameter {
    /// What it points to.
    fn target(&self) -> &str {
        self.kind.trim_start_matches("const ").split(' ').next().unwrap()
    }

    fn is_const(&self) -> bool {
        self.kind.starts_with("const ")
    }

    fn is_pointer(&self) -> bool {
        self.kind.contains('*')
    }

    fn is_matrix(&self) -> bool {
        matches!(self.kind.as_str(), "tl_matrix" | "tl_matrix_out")
    }

    /// Whether it is a buffer, which must not overlap others.
    fn is_buffer(&self) -> bool {
        let plain = !matches!(self.target(), "char" | "tl_network") && !self.target().ends_with("_options");
        self.is_pointer() && plain || self.is_matrix()
    }

    fn is_written(&self) -> bool {
        self.kind == "tl_matrix_out" || self.is_buffer() && !self.is_const() && !self.is_matrix()
    }
}

/// All functions that the header declares for the linker.
pub fn functions(header: &str) -> Vec<Function> {
    let (mut text, mut comment, mut body) = (String::new(), false, false);
    for line in header.lines() {
        comment |= line.starts_with("/*");
        let skipped = line.starts_with('#') || line.starts_with("typedef int");
        // Types and inline functions end with a brace at the start of a line.
        body |= !comment && line.ends_with('{') && line != "extern \"C\" {";
        body |= line.starts_with("static inline");
        if !comment && !body && !skipped {
            text.push_str(line.trim());
            text.push(' ');
        }
        comment &= !line.trim_end().ends_with("*/");
        body &= !line.starts_with('}');
    }
    text.split(';').filter_map(function).collect()
}

fn function(declaration: &str) -> Option<Function> {
    let (head, tail) = declaration.split_once('(')?;
    let at = head.rfind("tl_").filter(|&at| at > 0)?;
    let parameters = tail.strip_suffix(')')?.split(',').map(str::trim).filter(|p| *p != "void").map(|parameter| {
        let at = parameter.rfind([' ', '*']).unwrap() + 1;
        Parameter { kind: parameter[..at].trim().to_owned(), name: parameter[at..].to_owned() }
    });
    let returns = head[..at].trim().trim_start_matches("extern \"C\" { ").to_owned();
    Some(Function { name: head[at..].to_owned(), returns, parameters: parameters.collect() })
}

/// The program, and how many functions it calls.
pub fn program(header: &str) -> (String, usize) {
    let functions = functions(header);
    let mut calls = String::from("\nstatic void test_all(void) {\n");
    for function in functions.iter().filter(|f| f.returns == "tl_status") {
        for Case { status, prepare, arguments } in function.cases() {
            let call = format!("{}({})", function.name, arguments.join(", "));
            writeln!(calls, "    CALL({status}, {prepare}, {call});").unwrap();
        }
    }
    calls.push_str("}\n");
    (SUPPORT.to_owned() + &calls, functions.len())
}

impl Function {
    fn cases(&self) -> Vec<Case<'_>> {
        let right: Vec<String> = self.parameters.iter().map(|p| self.valid(p)).collect();
        let mut cases = vec![Case { status: "TL_OK", prepare: String::new(), arguments: right.clone() }];
        for (i, p) in self.parameters.iter().enumerate() {
            let mut wrong = |status, argument: &str| {
                let mut arguments = right.clone();
                arguments[i] = argument.to_owned();
                cases.push(Case { status, prepare: String::new(), arguments });
            };
            match (p.kind.as_str(), p.name.as_str()) {
                // The defaults are 10,000 iterations, which take minutes under valgrind.
                ("const tl_train_options *", _) if self.name != "tl_step" => {}
                (kind, _) if kind.starts_with("const") && kind.contains("_options") => wrong("TL_OK", "NULL"),
                (kind, _) if kind.contains('*') => wrong("TL_ERROR_NULL", "NULL"),
                ("size_t", "size") => {
                    ["0", "7", "15", "4097", "SIZE_MAX"].iter().for_each(|n| wrong("TL_ERROR_STRUCT_SIZE", n));
                }
                ("size_t", "sizes_length") => ["0", "SIZE_MAX"].iter().for_each(|n| wrong("TL_ERROR_LENGTH", n)),
                ("size_t", "count") if self.name == "tl_labels_from_u8" => wrong("TL_ERROR_LENGTH", "SIZE_MAX"),
                ("size_t", "count") => ["0", "1", "3", "SIZE_MAX"].iter().for_each(|n| wrong("TL_ERROR_LENGTH", n)),
                ("tl_type", _) => ["TL_U8", "(tl_type)99"].iter().for_each(|n| wrong("TL_ERROR_TYPE", n)),
                _ => {}
            }
            if p.is_pointer() && !matches!(p.kind.as_str(), "const char *" | "const uint8_t *") {
                wrong("TL_ERROR_MISALIGNED", &format!("ODD({})", right[i]));
            }
            if p.target() == "tl_network" && !p.kind.contains("**") {
                wrong("TL_ERROR_HANDLE", "(tl_network *)zeros");
                wrong("TL_ERROR_HANDLE", "with_freed ? dead : (tl_network *)zeros");
            }
            let mut prepared = |status, prepare| cases.push(Case { status, prepare, arguments: right.clone() });
            if p.is_matrix() {
                self.wrong_matrices(&right[i], p, &mut prepared);
            }
            if p.is_const() && p.target().ends_with("_options") {
                let variable = right[i].trim_start_matches('&');
                for size in ["0", "8", &format!("sizeof {variable} - 1"), "4097", "SIZE_MAX"] {
                    prepared("TL_ERROR_STRUCT_SIZE", format!("{variable}.size = {size}"));
                }
            }
        }
        self.overlaps(&right, &mut cases);
        cases
    }

    fn wrong_matrices(&self, matrix: &str, p: &Parameter, wrong: &mut impl FnMut(&'static str, String)) {
        wrong("TL_ERROR_NULL", format!("{matrix}.data = NULL"));
        wrong("TL_ERROR_MISALIGNED", format!("{matrix}.data = ODD({matrix}.data)"));
        wrong("TL_ERROR_TYPE", format!("{matrix}.type = TL_I16"));
        wrong("TL_ERROR_TYPE", format!("{matrix}.type = (tl_type)99"));
        wrong("TL_ERROR_LENGTH", format!("({matrix}.rows = 2, {matrix}.row_stride = SIZE_MAX)"));
        let dims = if self.name == "tl_gemm" { "TL_ERROR_SHAPE" } else { "TL_ERROR_LENGTH" };
        if self.parameters.iter().any(|p| matches!(p.name.as_str(), "network" | "a" | "labels" | "elements")) {
            wrong(dims, format!("{matrix}.rows++"));
        }
        if self.name != "tl_cross_entropy" {
            wrong(if p.kind == "tl_matrix_out" { "TL_ERROR_LENGTH" } else { dims }, format!("{matrix}.cols++"));
        }
    }

    /// Each buffer that is written, over each of the others.
    fn overlaps(&self, right: &[String], cases: &mut Vec<Case<'_>>) {
        let address = |i: usize| {
            let data = if self.parameters[i].is_matrix() { ".data" } else { "" };
            format!("{}{data}", right[i])
        };
        for (i, p) in self.parameters.iter().enumerate().filter(|(_, p)| p.is_written()) {
            for (j, _) in self.parameters.iter().enumerate().filter(|(j, other)| *j != i && other.is_buffer()) {
                let (mut arguments, mut prepare) = (right.to_vec(), String::new());
                match p.is_matrix() {
                    true => prepare = format!("{} = (void *){}", address(i), address(j)),
                    false => arguments[i] = format!("(void *){}", address(j)),
                }
                cases.push(Case { status: "TL_ERROR_OVERLAP", prepare, arguments });
            }
        }
    }

    /// A valid argument.
    fn valid(&self, p: &Parameter) -> String {
        match (p.kind.as_str(), p.name.as_str()) {
            ("tl_network **", _) if self.name.contains("free") => "fresh()".into(),
            ("tl_network **", _) => "&made".into(),
            (_, "network") => "network".into(),
            ("tl_type", _) => if self.name.ends_with("f64") { "TL_F64" } else { "TL_F32" }.into(),
            ("size_t", "inputs" | "hidden" | "classes") => p.name.to_uppercase(),
            ("size_t", "threads" | "count") => "2".into(),
            ("size_t", "sizes_length") => "4".into(),
            (_, "parameter" | "seed" | "beta") => format!("({})0", p.kind),
            ("double", _) => "0.125".into(),
            ("size_t", "size") => {
                let options = self.parameters[0].target();
                format!("sizeof({options})")
            }
            (_, "options") => format!("&now.{}", p.target().trim_start_matches("tl_")),
            ("const char *", "name") => "\"scalar\"".into(),
            ("const char *", "path") if self.name.contains("load") => "model".into(),
            ("const char *", "path") if self.name.contains("save") => "saved".into(),
            ("const char *", "path") if self.name.contains("labels") => "idx_u8".into(),
            ("const char *", "path") => "idx_i32".into(),
            (
                "uint32_t *" | "const uint32_t *" | "const uint8_t *" | "size_t *",
                "labels" | "classes" | "bytes" | "sizes",
            ) if self.name != "tl_network_shape" => {
                format!("now.{}", p.name)
            }
            ("tl_matrix", _) => format!("now.in_{}", p.name),
            ("tl_matrix_out", _) => format!("now.out_{}", p.name),
            (kind, _) if kind.ends_with('*') => format!("&now.{}", p.name.replace("classes", "outputs")),
            (kind, name) => panic!("{}: what is a right {kind} {name}? Tell abuse.rs and abuse.c", self.name),
        }
    }
}
