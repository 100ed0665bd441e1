//! Generates a C program from the header that calls every function with valid arguments, then with one invalid one.
//!
//! Valid arguments are looked up by a parameter's name and type, so functions added to the header are called too,
//! or the generator stops at an unknown name.

use std::fmt::Write;

use crate::header::{Function, Variable, functions};

/// The support code, which the calls are appended to.
const SUPPORT: &str = include_str!("c/abuse.c");

impl Variable {
    /// What it points to.
    fn target(&self) -> &str {
        self.kind.trim_start_matches("const ").split(' ').next().unwrap()
    }

    fn is_pointer(&self) -> bool {
        self.kind.contains('*')
    }

    fn is_matrix(&self) -> bool {
        matches!(self.kind.as_str(), "tl_matrix" | "tl_matrix_out")
    }

    fn is_options(&self) -> bool {
        self.kind.starts_with("const ") && self.name == "options"
    }

    /// Whether it is a buffer, which must not overlap others.
    fn is_buffer(&self) -> bool {
        self.is_matrix() || self.is_pointer() && !matches!(self.name.as_str(), "path" | "name" | "network" | "options")
    }

    fn is_written(&self) -> bool {
        self.is_buffer() && !self.kind.starts_with("const ") && self.kind != "tl_matrix"
    }
}

/// The program, and how many functions it calls.
pub fn program(header: &str) -> (String, usize) {
    let functions = functions(header);
    let mut text = SUPPORT.to_owned() + "\nstatic void test_all(void) {\n";
    for function in functions.iter().filter(|f| f.returns == "tl_status") {
        let right = function.parameters.iter().map(|p| valid(&function.name, p, &function.parameters[0])).collect();
        let mut calls = Calls { function, right, text: String::new() };
        calls.add("TL_OK", "", &calls.right.clone());
        (0..function.parameters.len()).for_each(|i| calls.spoil(i));
        text += &calls.text;
    }
    (text + "}\n", functions.len())
}

/// The calls of a function, each of which must end with a status.
struct Calls<'a> {
    function: &'a Function,
    /// Its valid arguments.
    right: Vec<String>,
    text: String,
}

impl Calls<'_> {
    /// A call, after an expression that prepares its arguments.
    fn add(&mut self, status: &str, prepare: &str, arguments: &[String]) {
        let call = format!("{}({})", self.function.name, arguments.join(", "));
        writeln!(self.text, "    CALL({status}, {prepare}, {call});").unwrap();
    }

    /// A call with each of these values for one of the arguments.
    fn with(&mut self, status: &str, i: usize, values: &[&str]) {
        for &value in values {
            let mut arguments = self.right.clone();
            arguments[i] = value.to_owned();
            self.add(status, "", &arguments);
        }
    }

    /// Calls with one invalid argument.
    fn spoil(&mut self, i: usize) {
        let (function, p) = (self.function, &self.function.parameters[i]);
        match (p.kind.as_str(), p.name.as_str()) {
            // The defaults are 10,000 iterations, which take minutes under valgrind.
            ("const tl_train_options *", _) if function.name != "tl_step" => {}
            _ if p.is_options() => self.with("TL_OK", i, &["NULL"]),
            _ if p.is_pointer() => self.with("TL_ERROR_NULL", i, &["NULL"]),
            ("size_t", "size") => self.with("TL_ERROR_STRUCT_SIZE", i, &["0", "7", "15", "4097", "SIZE_MAX"]),
            ("size_t", "sizes_length") => self.with("TL_ERROR_LENGTH", i, &["0", "SIZE_MAX"]),
            ("size_t", "count") if function.name == "tl_labels_from_u8" => {
                self.with("TL_ERROR_LENGTH", i, &["SIZE_MAX"]);
            }
            ("size_t", "count") => self.with("TL_ERROR_LENGTH", i, &["0", "1", "3", "SIZE_MAX"]),
            ("tl_type", _) => self.with("TL_ERROR_TYPE", i, &["TL_U8", "(tl_type)99"]),
            _ => {}
        }
        if p.is_pointer() && !matches!(p.kind.as_str(), "const char *" | "const uint8_t *") {
            self.with("TL_ERROR_MISALIGNED", i, &[&format!("ODD({})", self.right[i])]);
        }
        if p.target() == "tl_network" && !p.kind.contains("**") {
            let freed = "with_freed ? dead : (tl_network *)zeros";
            self.with("TL_ERROR_HANDLE", i, &["(tl_network *)zeros", freed]);
        }
        if p.is_options() {
            let variable = self.right[i].trim_start_matches('&').to_owned();
            for size in ["0", "8", &format!("sizeof {variable} - 1"), "4097", "SIZE_MAX"] {
                self.add("TL_ERROR_STRUCT_SIZE", &format!("{variable}.size = {size}"), &self.right.clone());
            }
        }
        if p.is_matrix() {
            self.spoil_matrix(i);
        }
        if p.is_written() {
            self.overlap(i);
        }
    }

    fn spoil_matrix(&mut self, i: usize) {
        let (function, is_out, right) =
            (self.function, self.function.parameters[i].kind == "tl_matrix_out", self.right.clone());
        let matrix = &right[i];
        let mut wrong = |status, prepare: String| self.add(status, &prepare, &right);
        wrong("TL_ERROR_NULL", format!("{matrix}.data = NULL"));
        wrong("TL_ERROR_MISALIGNED", format!("{matrix}.data = ODD({matrix}.data)"));
        wrong("TL_ERROR_TYPE", format!("{matrix}.type = TL_I16"));
        wrong("TL_ERROR_TYPE", format!("{matrix}.type = (tl_type)99"));
        wrong("TL_ERROR_LENGTH", format!("({matrix}.rows = 2, {matrix}.row_stride = SIZE_MAX)"));
        let dims = if function.name == "tl_gemm" { "TL_ERROR_SHAPE" } else { "TL_ERROR_LENGTH" };
        if function.parameters.iter().any(|p| matches!(p.name.as_str(), "network" | "a" | "labels" | "elements")) {
            wrong(dims, format!("{matrix}.rows++"));
        }
        wrong(if is_out { "TL_ERROR_LENGTH" } else { dims }, format!("{matrix}.cols++"));
    }

    /// A buffer that is written, over each of the others.
    fn overlap(&mut self, i: usize) {
        let address = |j: usize| {
            let is_matrix = self.function.parameters[j].is_matrix();
            format!("{}{}", self.right[j], if is_matrix { ".data" } else { "" })
        };
        let others = (0..self.right.len()).filter(|&j| j != i && self.function.parameters[j].is_buffer());
        let (mine, others): (_, Vec<_>) = (address(i), others.map(|j| format!("(void *){}", address(j))).collect());
        for other in others {
            match self.function.parameters[i].is_matrix() {
                true => self.add("TL_ERROR_OVERLAP", &format!("{mine} = {other}"), &self.right.clone()),
                false => self.with("TL_ERROR_OVERLAP", i, &[&other]),
            }
        }
    }
}

/// A valid argument for a parameter of the function of that name, whose first parameter is `first`.
fn valid(function: &str, p: &Variable, first: &Variable) -> String {
    match (p.kind.as_str(), p.name.as_str()) {
        ("tl_network **", _) => if function.contains("free") { "fresh()" } else { "&made" }.into(),
        (_, "network") => "network".into(),
        ("tl_type", _) => if function.ends_with("f64") { "TL_F64" } else { "TL_F32" }.into(),
        ("size_t", "inputs" | "hidden" | "classes") => p.name.to_uppercase(),
        ("size_t", "threads" | "count") => "2".into(),
        ("size_t", "sizes_length") => "4".into(),
        ("size_t", "size") if first.name == "network" => "sizeof now.info".into(),
        ("size_t", "size") => format!("sizeof(struct {})", first.target()),
        (_, "parameter" | "seed" | "beta") => format!("({})0", p.kind),
        ("double", _) => "0.125".into(),
        (_, "options") => format!("&now.{}", p.target().trim_start_matches("tl_")),
        ("const char *", "name") => "\"scalar\"".into(),
        ("const char *", _) if function.contains("load") => "model".into(),
        ("const char *", _) if function.contains("save") => "saved".into(),
        ("const char *", _) => if function.contains("labels") { "idx_u8" } else { "idx_i32" }.into(),
        ("tl_matrix", _) => format!("now.in_{}", p.name),
        ("tl_matrix_out", _) => format!("now.out_{}", p.name),
        (_, "labels" | "classes" | "bytes" | "sizes") => format!("now.{}", p.name),
        (kind, _) if kind.ends_with('*') => format!("&now.{}", p.name),
        (kind, name) => panic!("{function}: what is a right {kind} {name}? Tell abuse.rs and abuse.c"),
    }
}
