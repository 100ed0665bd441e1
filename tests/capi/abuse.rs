//! Generates a C program from the header. It calls every function with valid arguments, then with one invalid one;
//! `test_valid` makes only the valid calls.
//!
//! Valid arguments are looked up by a parameter's name and type, so functions added to the header are called too,
//! or the generator stops at an unknown name.

use std::fmt::Write;

use super::header::{Function, Variable, functions};

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
    let mut valid_calls = String::new();
    for function in functions.iter().filter(|f| f.returns == "tl_status") {
        let right = function.parameters.iter().map(|p| valid(&function.name, p, &function.parameters[0])).collect();
        let mut calls = Calls { function, right, text: String::new() };
        calls.add("TL_OK", "", &calls.right.clone());
        valid_calls += &calls.text;
        (0..function.parameters.len()).for_each(|i| calls.spoil(i));
        text += &calls.text;
    }
    (text + "}\n\nstatic void test_valid(void) {\n" + &valid_calls + "}\n", functions.len())
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

    /// A call after a change of what one of the arguments, `@`, stands for.
    fn prepared(&mut self, status: &str, i: usize, change: &str) {
        self.add(status, &change.replace('@', &self.right[i]), &self.right.clone());
    }

    /// Calls with one invalid argument.
    fn spoil(&mut self, i: usize) {
        let p = &self.function.parameters[i];
        match (p.kind.as_str(), p.name.as_str()) {
            // The defaults are 10,000 iterations, which take minutes under valgrind.
            ("const tl_train_options *", _) => {}
            _ if p.is_options() => self.with("TL_OK", i, &["NULL"]),
            _ if p.is_pointer() => self.with("TL_ERROR_NULL", i, &["NULL"]),
            ("size_t", "size") => self.with("TL_ERROR_STRUCT_SIZE", i, &["0", "7", "15", "4097", "SIZE_MAX"]),
            ("size_t", "sizes_length") => self.with("TL_ERROR_LENGTH", i, &["0", "SIZE_MAX"]),
            ("size_t", "count") if self.right[0] == "now.bytes" => self.with("TL_ERROR_LENGTH", i, &["SIZE_MAX"]),
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
            for size in ["0", "8", "sizeof *@ - 1", "4097", "SIZE_MAX"] {
                self.prepared("TL_ERROR_STRUCT_SIZE", i, &format!("(@)->size = {size}"));
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
        let function = self.function;
        let dims = if function.name == "tl_gemm" { "TL_ERROR_SHAPE" } else { "TL_ERROR_LENGTH" };
        let is_out = function.parameters[i].kind == "tl_matrix_out";
        let mut changes = vec![
            ("TL_ERROR_NULL", "@.data = NULL"),
            ("TL_ERROR_MISALIGNED", "@.data = ODD(@.data)"),
            ("TL_ERROR_TYPE", "@.type = TL_I16"),
            ("TL_ERROR_TYPE", "@.type = (tl_type)99"),
            ("TL_ERROR_LENGTH", "(@.rows = 2, @.row_stride = SIZE_MAX)"),
            (if is_out { "TL_ERROR_LENGTH" } else { dims }, "@.cols++"),
        ];
        // Where something else tells the number of rows.
        if function.parameters.iter().any(|p| ["network", "a", "labels", "elements"].contains(&p.name.as_str())) {
            changes.push((dims, "@.rows++"));
        }
        for (status, change) in changes {
            self.prepared(status, i, change);
        }
    }

    /// A buffer that is written, over each of the others.
    fn overlap(&mut self, i: usize) {
        let parameters = &self.function.parameters;
        for j in (0..parameters.len()).filter(|&j| j != i && parameters[j].is_buffer()) {
            let other = format!("(void *){}{}", self.right[j], if parameters[j].is_matrix() { ".data" } else { "" });
            match parameters[i].is_matrix() {
                true => self.prepared("TL_ERROR_OVERLAP", i, &format!("@.data = {other}")),
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
        ("const char *", _) if function.contains("load") => "\"model\"".into(),
        ("const char *", _) if function.contains("save") => "\"saved\"".into(),
        ("const char *", _) => if function.contains("labels") { "\"idx_u8\"" } else { "\"idx_i32\"" }.into(),
        ("tl_matrix", _) => format!("now.in_{}", p.name),
        ("tl_matrix_out", _) => format!("now.out_{}", p.name),
        (_, "labels" | "classes" | "bytes" | "sizes") => format!("now.{}", p.name),
        (kind, _) if kind.ends_with('*') => format!("&now.{}", p.name),
        (kind, name) => panic!("{function}: what is a right {kind} {name}? Tell abuse.rs and abuse.c"),
    }
}
